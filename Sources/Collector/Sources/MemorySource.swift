// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// /proc/meminfo and the root memory cgroup.
final class MemoryReader {
    private let meminfo: KernelFile
    private let cgroupRoot: String
    private let meminfoStatus: SourceStatus
    private let cgroupStatus: SourceStatus
    private var layout: Layout?
    private var nextLook = Pace(every: 10 * .second)

    private enum Layout {
        case version1(usage: KernelFile, stat: KernelFile)
        case version2(stat: KernelFile)
    }

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        meminfo = KernelFile(options.procRoot + "/meminfo")
        cgroupRoot = options.sysRoot + "/fs/cgroup"
        meminfoStatus = ledger.add("meminfo")
        cgroupStatus = ledger.add("memory-cgroup")
    }

    func read(_ moment: Moment, _ buffer: ReadBuffer) -> Reading<MemoryUsage> {
        let meminfo = meminfoStatus.measure(moment) { () throws(SourceFailure) in
            let path = self.meminfo.path
            return try self.meminfo.read(buffer) { text throws(SourceFailure) in try Meminfo(text, name: path) }
        }
        if layout == nil, nextLook.isDue(moment) {
            layout = findLayout()
            nextLook.done(moment)
        }
        let cgroup = cgroupStatus.measure(moment) { () throws(SourceFailure) in try readCgroup(buffer) }
        switch (meminfo, cgroup) {
        case (.missing(let reason), _):
            return .missing(reason)
        case (.value(let memory, let time), .value(let cgroup, _)):
            let source: MemorySource = if case .version2 = layout { .cgroup2 } else { .cgroup1 }
            return .value(usage(memory, cgroup, source), at: time)
        case (.value(let memory, let time), .missing(let reason)):
            // No controller: the kernel's totals will do. A controller that fails: no value, lest its meaning change.
            return cgroupStatus.report.state == .absent ? .value(usage(memory), at: time) : .missing(reason)
        }
    }

    private func findLayout() -> Layout? {
        let version1 = cgroupRoot + "/memory"
        if fileExists(version1 + "/memory.usage_in_bytes") {
            return .version1(
                usage: KernelFile(version1 + "/memory.usage_in_bytes"), stat: KernelFile(version1 + "/memory.stat"))
        }
        if fileExists(cgroupRoot + "/memory.stat") { return .version2(stat: KernelFile(cgroupRoot + "/memory.stat")) }
        return nil
    }

    private func readCgroup(_ buffer: ReadBuffer) throws(SourceFailure) -> MemoryCgroup {
        do throws(SourceFailure) {
            switch layout {
            case .version1(let usage, let stat):
                let bytes = try usage.read(buffer) { text throws(SourceFailure) in
                    try parseNumber(text, name: usage.path)
                }
                return try stat.read(buffer) { text throws(SourceFailure) in
                    try MemoryCgroup(version1Stat: text, usage: bytes, name: stat.path)
                }
            case .version2(let stat):
                return try stat.read(buffer) { text throws(SourceFailure) in
                    try MemoryCgroup(version2Stat: text, name: stat.path)
                }
            case nil:
                throw .absent("no memory controller under \(cgroupRoot)")
            }
        } catch {
            if error.isAbsent { layout = nil }
            throw error
        }
    }

    private func usage(_ memory: Meminfo, _ cgroup: MemoryCgroup, _ source: MemorySource) -> MemoryUsage {
        MemoryUsage(
            total: memory.total, kernelAvailable: memory.available, free: memory.free ?? 0, usage: cgroup.usage,
            workingSet: cgroup.usage.clampedDifference(cgroup.inactiveFile), rss: cgroup.rss,
            pageFaults: cgroup.pageFaults, majorPageFaults: cgroup.majorPageFaults, swapTotal: memory.swapTotal,
            swapFree: memory.swapFree, source: source)
    }

    private func usage(_ memory: Meminfo) -> MemoryUsage {
        let usage = memory.estimatedUsage
        return MemoryUsage(
            total: memory.total, kernelAvailable: memory.available, free: memory.free ?? 0, usage: usage,
            workingSet: usage.clampedDifference(memory.inactiveFile), swapTotal: memory.swapTotal,
            swapFree: memory.swapFree, source: .meminfo)
    }
}
