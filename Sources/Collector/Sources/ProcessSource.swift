// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The load averages, and the tasks against the limits of the kernel.
final class ProcessReader {
    private let loadavg: KernelFile
    private let pidMax: KernelFile
    private let threadsMax: KernelFile
    private let loadStatus: SourceStatus
    private let pidStatus: SourceStatus
    private var maximum: Result<UInt64, SourceFailure>?
    private var nextMaximum = Pace(every: 10 * .second)

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        loadavg = KernelFile(options.procRoot + "/loadavg")
        pidMax = KernelFile(options.procRoot + "/sys/kernel/pid_max")
        threadsMax = KernelFile(options.procRoot + "/sys/kernel/threads-max")
        loadStatus = ledger.add("loadavg")
        pidStatus = ledger.add("pids")
    }

    func read(_ moment: Moment, _ buffer: ReadBuffer) -> (Reading<LoadAverage>, Reading<ProcessUsage>) {
        let loadavg = loadStatus.measure(moment) { () throws(SourceFailure) in
            let path = self.loadavg.path
            return try self.loadavg.read(buffer) { text throws(SourceFailure) in try ProcLoadavg(text, name: path) }
        }
        if nextMaximum.isDue(moment) || maximum == nil {
            do {
                maximum = .success(min(try number(pidMax, buffer), try number(threadsMax, buffer)))
            } catch {
                maximum = .failure(error)
            }
            nextMaximum.done(moment)
        }
        let processes = pidStatus.measure(moment) { () throws(SourceFailure) -> ProcessUsage in
            let maximum = try maximum?.get() ?? 0
            guard case .value(let loadavg, _) = loadavg else {
                throw .failed(loadavg.missingReason ?? "loadavg is missing")
            }
            return ProcessUsage(running: loadavg.tasks, maximum: maximum)
        }
        return (loadavg.map { $0.load }, processes)
    }

    private func number(_ file: KernelFile, _ buffer: ReadBuffer) throws(SourceFailure) -> UInt64 {
        try file.read(buffer) { text throws(SourceFailure) in try parseNumber(text, name: file.path) }
    }
}

/// /proc/pressure.
final class PressureReader {
    private let files: [(KernelFile, SourceStatus)]

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        files = ["cpu", "memory", "io"].map { name in
            (KernelFile("\(options.procRoot)/pressure/\(name)"), ledger.add("pressure/\(name)"))
        }
    }

    /// CPU, memory, I/O.
    func read(_ moment: Moment, _ buffer: ReadBuffer, _ body: (Int, Reading<PressureStall>) -> Void) {
        for (index, (file, status)) in files.enumerated() {
            body(
                index,
                status.measure(moment) { () throws(SourceFailure) in
                    try file.read(buffer) { text throws(SourceFailure) in try parsePressure(text, name: file.path) }
                })
        }
    }
}
