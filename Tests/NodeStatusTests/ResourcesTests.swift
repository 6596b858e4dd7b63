// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("Capacity and allocatable")
struct ResourcesTests {
    @Test("A disk that hangs keeps its size: capacity, allocatable and Ready stay as they were")
    func knownCapacity() {
        var known = KnownCapacity()
        let before = recordedNode(second: 1)
        known.learn(from: before)
        var hung = recordedNode(second: 2)
        hung.nodeFileSystem = .missing("statfs has not returned for 2 s")
        hung.topology = .missing("gone")
        hung.memory = .missing("gone")
        hung.hugePages = .missing("gone")
        known.learn(from: hung)
        #expect(NodeResources.compute(hung, NodeSettings()).capacity["ephemeral-storage"] == nil)
        hung.known = known
        #expect(NodeResources.compute(hung, NodeSettings()) == NodeResources.compute(before, NodeSettings()))
    }

    @Test("The recorded node's numbers come out to the byte")
    func recorded() {
        let resources = NodeResources.compute(recordedNode(), NodeSettings())
        #expect(
            resources.capacity == [
                "cpu": quantity("2"), "ephemeral-storage": quantity("264212084Ki"), "hugepages-1Gi": quantity("0"),
                "hugepages-2Mi": quantity("0"), "memory": quantity("24684092Ki"), "pods": quantity("110"),
            ])
        #expect(
            resources.allocatable.entries.map { "\($0.name)=\($0.quantity)" } == [
                "cpu=2", "ephemeral-storage=243497856212", "hugepages-1Gi=0", "hugepages-2Mi=0", "memory=24581692Ki",
                "pods=110",
            ])
        #expect(resources.problems.isEmpty)
    }

    @Test(
        "The worked examples come out to the byte",
        arguments: [(UInt64(3_977_916), UInt64(101_430_960), "3875516Ki", "93478772582")])
    func examples(memory: UInt64, storage: UInt64, allocatableMemory: String, allocatableStorage: String) {
        var node = recordedNode()
        node.memory = .value(
            MemoryUsage(
                total: memory << 10, kernelAvailable: nil, free: 0, usage: 0, workingSet: 0, source: .meminfo),
            at: node.time)
        node.nodeFileSystem = .value(
            FileSystemUsage(path: "/", capacity: storage << 10, available: 0, free: 0, inodes: 0, inodesFree: 0),
            at: node.time)
        let allocatable = NodeResources.compute(node, NodeSettings()).allocatable
        #expect(allocatable["memory"]?.description == allocatableMemory)
        #expect(allocatable["ephemeral-storage"]?.description == allocatableStorage)
    }

    @Test("Reservations, huge pages and pods per core are taken off as the kubelet does")
    func reservations() {
        var node = recordedNode()
        node.hugePages = .value(
            [
                HugePagePool(pageSize: 2 * mebi, count: 512, free: 0),
                HugePagePool(pageSize: 64 << 10, count: 16, free: 0),
                HugePagePool(pageSize: gibi, count: 1, free: 1),
            ], at: node.time)
        var settings = NodeSettings()
        settings.systemReserved = [.cpu: quantity("90m"), .memory: quantity("1Gi"), .pid: quantity("1000")]
        settings.kubeReserved = [.cpu: quantity("10m"), .ephemeralStorage: quantity("1Gi")]
        settings.evictionHard = []
        settings.podsPerCore = 10
        let resources = NodeResources.compute(node, settings)
        #expect(resources.capacity["pods"]?.description == "20")
        #expect(resources.capacity["hugepages-64Ki"]?.description == "1Mi")
        #expect(resources.capacity["hugepages-1Gi"]?.description == "1Gi")
        #expect(resources.allocatable["cpu"]?.description == "1900m")
        // 24684092Ki less 1Gi reserved, and less 1Gi + 1Mi + 1Gi of huge pages.
        #expect(resources.allocatable["memory"]?.description == "21537340Ki")
        #expect(resources.allocatable["ephemeral-storage"]?.description == "263163508Ki")
        #expect(resources.capacity["pid"] == nil)
        #expect(resources.problems.isEmpty)
    }

    @Test("Reserved CPUs replace both reservations of CPU")
    func reservedCPUs() {
        var settings = NodeSettings()
        settings.systemReserved = [.cpu: quantity("1500m")]
        settings.kubeReserved = [.cpu: quantity("400m")]
        settings.reservedSystemCPUs = 1
        #expect(NodeResources.compute(recordedNode(), settings).allocatable["cpu"]?.description == "1")
    }

    @Test("A reservation larger than the node is a problem in the kubelet's words, and leaves nothing")
    func tooLarge() {
        var settings = NodeSettings()
        settings.systemReserved = [.memory: quantity("64Gi"), .pid: quantity("40000"), .cpu: quantity("2")]
        let resources = NodeResources.compute(recordedNode(), settings)
        #expect(resources.allocatable["memory"]?.description == "0")
        #expect(resources.allocatable["cpu"]?.description == "0")
        #expect(
            NodeResources.validate(recordedNode(), settings) == [
                "Resource \"memory\" has a reservation of 65636Mi but capacity of 24684092Ki. "
                    + "Expected capacity >= reservation.",
                "Resource \"pid\" has a reservation of 40k but capacity of 32768. "
                    + "Expected capacity >= reservation.",
            ])
    }

    @Test("What has not been read is left out, not zero")
    func missing() {
        let empty = NodeSnapshot(time: Timestamp(seconds: 0))
        #expect(NodeResources.compute(empty, NodeSettings()).capacity == ["pods": quantity("110")])
        var settings = NodeSettings()
        settings.podsPerCore = 1
        settings.localStorageCapacityIsolation = false
        #expect(NodeResources.compute(empty, settings).capacity.isEmpty)
        #expect(NodeResources.compute(recordedNode(), settings).capacity["ephemeral-storage"] == nil)
    }

    @Test("Absurd numbers saturate")
    func absurd() {
        var node = recordedNode()
        node.topology = .value(CPUTopology(logical: .max, online: ""), at: node.time)
        node.hugePages = .value(
            [HugePagePool(pageSize: .max, count: .max, free: 0), HugePagePool(pageSize: 0, count: 1, free: 1)],
            at: node.time)
        node.memory = .value(
            MemoryUsage(total: .max, kernelAvailable: 0, free: 0, usage: .max, workingSet: .max, source: .meminfo),
            at: node.time)
        var settings = NodeSettings()
        settings.podsPerCore = .max
        settings.maxPods = .max
        settings.reservedSystemCPUs = .max
        settings.systemReserved = [.memory: quantity("1e99")]
        let resources = NodeResources.compute(node, settings)
        #expect(resources.allocatable["memory"]?.description == "0")
        #expect(resources.capacity["pods"]?.value == .max)
    }

    @Test("Reservations are parsed with the resources that a kubelet knows")
    func parsing() throws {
        let (resource, amount) = try ReservedResource.parse(resource: "ephemeral-storage", quantity: "1Gi")
        #expect(resource == .ephemeralStorage && amount == quantity("1Gi"))
        #expect(throws: SyntaxError.self) { try ReservedResource.parse(resource: "hugepages-2Mi", quantity: "1Gi") }
        #expect(throws: SyntaxError.self) { try ReservedResource.parse(resource: "cpu", quantity: "-1") }
    }
}
