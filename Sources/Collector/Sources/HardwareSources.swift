// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Online CPUs and the pools of huge pages.
final class HardwareReader {
    private let root: String
    private let topologyStatus: SourceStatus
    private let hugePageStatus: SourceStatus
    private(set) var topology: Reading<CPUTopology> = .notYetRead
    private(set) var hugePages: Reading<[HugePagePool]> = .notYetRead
    private var next = Pace(every: 10 * .second - 500 * .millisecond)
    private var countedFor: String?
    private var counted: UInt64 = 0

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        root = options.sysRoot
        topologyStatus = ledger.add("cpu-topology")
        hugePageStatus = ledger.add("hugepages")
    }

    func read(_ moment: Moment, _ buffer: ReadBuffer) {
        guard next.isDue(moment) else { return }
        topology = topologyStatus.measure(moment) { () throws(SourceFailure) in try readTopology(buffer) }
        hugePages = hugePageStatus.measure(moment) { () throws(SourceFailure) in try readHugePages(buffer) }
        next.done(moment)
    }

    func refresh() {
        countedFor = nil
        next = Pace(every: 10 * .second - 500 * .millisecond)
    }

    private func readTopology(_ buffer: ReadBuffer) throws(SourceFailure) -> CPUTopology {
        let path = root + "/devices/system/cpu/online"
        let online = try readSmallFile(path, buffer)
        guard let ranges = parseCPUList(online), !ranges.isEmpty else {
            throw .failed("parse \(path): \"\(online.prefix(64))\" is not a list of CPUs")
        }
        if countedFor != online {
            counted = countCPUs(ranges)
            countedFor = online
        }
        return CPUTopology(logical: counted, online: online)
    }

    /// The kubelet counts the online CPUs under the NUMA nodes that tell their core and package; where there are no
    /// NUMA nodes it counts every CPU directory, offline ones too: there we count the online list.
    private func countCPUs(_ online: [ClosedRange<Int>]) -> UInt64 {
        let total = online.reduce(UInt64(0)) { $0.clampedSum(UInt64($1.count)) }
        let nodes = root + "/devices/system/node"
        guard let names = try? directoryEntries(nodes) else { return total }
        let nodeNames = names.filter { isNumbered($0, "node") }
        if nodeNames.isEmpty { return total }
        var count: UInt64 = 0
        for node in nodeNames {
            for name in (try? directoryEntries("\(nodes)/\(node)")) ?? [] where isNumbered(name, "cpu") {
                guard let number = Int(name.dropFirst(3)), online.contains(where: { $0.contains(number) }) else {
                    continue
                }
                let topology = "\(nodes)/\(node)/\(name)/topology"
                if fileExists(topology + "/core_id"), fileExists(topology + "/physical_package_id") { count += 1 }
            }
        }
        return count > 0 ? count : total
    }

    private func readHugePages(_ buffer: ReadBuffer) throws(SourceFailure) -> [HugePagePool] {
        let directory = root + "/kernel/mm/hugepages"
        var pools: [HugePagePool] = []
        for name in try directoryEntries(directory) {
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"),
                let size = UInt64(name.dropFirst(10).dropLast(2)), size > 0
            else { continue }
            pools.append(
                HugePagePool(
                    pageSize: size.clampedProduct(1_024),
                    count: try number("\(directory)/\(name)/nr_hugepages", buffer),
                    free: try number("\(directory)/\(name)/free_hugepages", buffer)))
        }
        return pools.sorted { $0.pageSize < $1.pageSize }
    }

    private func number(_ path: String, _ buffer: ReadBuffer) throws(SourceFailure) -> UInt64 {
        try KernelFile(path).read(buffer) { text throws(SourceFailure) in try parseNumber(text, name: path) }
    }
}

/// `node12` for `node`.
private func isNumbered(_ name: String, _ prefix: String) -> Bool {
    let digits = name.dropFirst(prefix.count)
    return name.hasPrefix(prefix) && !digits.isEmpty && digits.allSatisfy { $0.isASCII && $0.isNumber }
}
