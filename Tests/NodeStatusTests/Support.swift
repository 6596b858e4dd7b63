// SPDX-License-Identifier: Apache-2.0

@testable import NodeStatus

let mebi: UInt64 = 1 << 20
let gibi: UInt64 = 1 << 30

func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) in a test is no address") }
    return address
}

func quantity(_ text: String) -> Quantity {
    do { return try Quantity(parsing: text) } catch { preconditionFailure("\(error)") }
}

func interface(_ name: String, _ addresses: [String], isUp: Bool = true) -> NetworkInterface {
    NetworkInterface(
        name: name, index: 1, isUp: isUp, isLoopback: name == "lo",
        addresses: addresses.map { InterfaceAddress(address: ip($0), prefixLength: 24) })
}

/// The node whose kubelet was recorded, at rest, second `second` of its observation.
func recordedNode(second: Int64 = 0) -> NodeSnapshot {
    let time = Timestamp(seconds: 1_795_222_132 + second)
    var node = NodeSnapshot(time: time)
    let memory = UInt64(24_684_092) << 10
    node.memory = .value(
        MemoryUsage(
            total: memory, kernelAvailable: nil, free: memory / 2, usage: memory / 4, workingSet: memory / 4,
            source: .cgroup2), at: time)
    node.processes = .value(ProcessUsage(running: 300, maximum: 32_768), at: time)
    node.nodeFileSystem = .value(
        FileSystemUsage(
            path: "/var/lib/kubelet", capacity: UInt64(264_212_084) << 10, available: UInt64(200_000_000) << 10,
            free: UInt64(210_000_000) << 10, inodes: 16_000_000, inodesFree: 15_000_000), at: time)
    node.imageFileSystem = node.nodeFileSystem
    node.topology = .value(CPUTopology(logical: 2, online: "0-1"), at: time)
    node.hugePages = .value(
        [
            HugePagePool(pageSize: gibi, count: 0, free: 0), HugePagePool(pageSize: 2 * mebi, count: 0, free: 0),
        ], at: time)
    node.hostname = .value("node1", at: time)
    node.interfaces = .value([interface("lo", ["127.0.0.1"]), interface("eth0", ["192.0.2.2"])], at: time)
    node.defaultRoutes = .value(
        [DefaultRoute(interface: "eth0", isIPv6: false, gateway: ip("192.0.2.1"))], at: time)
    node.resolvedAddresses = .missing("the resolver knows no such name")
    node.identity.machineID = .value("", at: time)
    node.identity.systemUUID = .missing("open /sys/class/dmi/id/product_uuid: No such file or directory")
    node.identity.bootID = .value("19d74b10-b4ed-4064-974f-5267e62124b8", at: time)
    node.identity.kernelVersion = .value("6.18.44-fc-v657", at: time)
    node.identity.osImage = .value("Debian GNU/Linux forky/sid", at: time)
    node.identity.architecture = .value("amd64", at: time)
    node.runtime = recordedRuntime(at: time)
    return node
}

/// The recorded node's runtime, after the network was set up.
func recordedRuntime(at time: Timestamp) -> RuntimeReport {
    var runtime = RuntimeReport(endpoint: "unix:///run/containerd/containerd.sock")
    runtime.contact = .answers
    runtime.name = "containerd"
    runtime.version = .value(.init(version: "2.1.9+unknown", apiVersion: "v1"), at: time)
    runtime.conditions = .value(ready(), at: time)
    runtime.handlers = ["", "runc"].map { .init(name: $0, recursiveReadOnlyMounts: true, userNamespaces: true) }
    runtime.supplementalGroupsPolicy = true
    runtime.images = .value(
        [
            .init(id: "sha256:3", names: ["docker.io/library/hog:latest"], size: 2_765_476),
            .init(id: "sha256:2", names: ["docker.io/library/busybox:latest"], size: 1_997_534),
            .init(id: "sha256:1", names: ["registry.k8s.io/pause:3.10"], size: 768_670),
        ], at: time)
    return runtime
}

/// What the recorded runtime said of itself, changed.
func ready(
    runtime: (Bool, String, String)? = (true, "", ""), network: (Bool, String, String)? = (true, "", "")
) -> [RuntimeReport.Condition] {
    [("RuntimeReady", runtime), ("NetworkReady", network)].compactMap { type, said in
        said.map { RuntimeReport.Condition(type: type, isTrue: $0.0, reason: $0.1, message: $0.2) }
    }
}
