// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus

/// CPU time: the root cgroup's total and the modes of /proc/stat, which has the boot time too.
final class ProcessorReader {
    private let stat: KernelFile
    private let cgroupRoot: String
    private let statStatus: SourceStatus
    private let cgroupStatus: SourceStatus
    private let ticksPerSecond = UInt64(clamping: sysconf(Int32(_SC_CLK_TCK)))
    private var total: KernelFile?
    private var isVersion2 = false
    private var nextLook = Pace(every: 10 * .second)
    private var lastStat: Reading<ProcStat> = .notYetRead
    /// Counting every interrupt, /proc/stat costs milliseconds on a big machine, and no condition hangs on the modes.
    private var nextStat = Pace(every: 5 * .second - 500 * .millisecond)
    private(set) var bootTime: Reading<Timestamp> = .notYetRead

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        stat = KernelFile(options.procRoot + "/stat")
        cgroupRoot = options.sysRoot + "/fs/cgroup"
        statStatus = ledger.add("stat")
        cgroupStatus = ledger.add("cpu-cgroup")
    }

    func read(_ moment: Moment, _ buffer: ReadBuffer) -> Reading<CPUUsage> {
        if nextStat.isDue(moment) {
            lastStat = statStatus.measure(moment) { () throws(SourceFailure) in
                try stat.read(buffer) { text throws(SourceFailure) in
                    try ProcStat(text, name: stat.path, ticksPerSecond: ticksPerSecond)
                }
            }
            nextStat.done(moment, cost: statStatus.lastCost)
            noteBootTime(moment)
        }
        if total == nil, nextLook.isDue(moment) {
            findTotal()
            nextLook.done(moment)
        }
        let total = cgroupStatus.measure(moment) { () throws(SourceFailure) in try readTotal(buffer) }
        switch (lastStat, total) {
        case (.missing(let reason), _):
            return .missing(reason)
        case (.value(let stat, _), .value(let total, let time)):
            return .value(CPUUsage(totalNanoseconds: total, modes: stat.modes), at: time)
        case (.value(let stat, let time), .missing(let reason)):
            guard cgroupStatus.report.state == .absent else { return .missing(reason) }
            return .value(CPUUsage(totalNanoseconds: stat.busy, modes: stat.modes), at: time)
        }
    }

    private func noteBootTime(_ moment: Moment) {
        switch lastStat {
        case .missing(let reason):
            bootTime = .missing(reason)
        case .value(let stat, _):
            guard let seconds = stat.bootTime.flatMap(Int64.init(exactly:)) else {
                bootTime = .missing("parse \(self.stat.path): no btime")
                return
            }
            // The kernel's figure may move by a second when the clock is adjusted; the machine did not boot anew.
            if let known = bootTime.value, (known.seconds &- seconds).magnitude <= 1 { return }
            bootTime = .value(Timestamp(seconds: seconds), at: moment.wall)
        }
    }

    private func findTotal() {
        for name in ["cpuacct", "cpu,cpuacct"] where fileExists("\(cgroupRoot)/\(name)/cpuacct.usage") {
            total = KernelFile("\(cgroupRoot)/\(name)/cpuacct.usage")
            isVersion2 = false
            return
        }
        if fileExists(cgroupRoot + "/cgroup.controllers"), fileExists(cgroupRoot + "/cpu.stat") {
            total = KernelFile(cgroupRoot + "/cpu.stat")
            isVersion2 = true
        }
    }

    private func readTotal(_ buffer: ReadBuffer) throws(SourceFailure) -> UInt64 {
        guard let total else { throw .absent("no CPU accounting under \(cgroupRoot)") }
        do {
            return try total.read(buffer) { text throws(SourceFailure) in
                try isVersion2 ? parseCPUStat(text, name: total.path) : parseNumber(text, name: total.path)
            }
        } catch {
            if error.isAbsent { self.total = nil }
            throw error
        }
    }
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }
