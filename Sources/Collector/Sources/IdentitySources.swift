// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// What names this node: rarely changes, read again once a minute (an upgrade rewrites os-release).
final class IdentityReader {
    private let options: CollectorOptions
    private let status: SourceStatus
    private var next = Pace(every: 60 * .second)
    private(set) var identity = NodeIdentity()

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        self.options = options
        status = ledger.add("identity")
    }

    func refresh(_ moment: Moment) { next.hurry(moment) }

    func read(_ moment: Moment, _ buffer: ReadBuffer) {
        guard next.isDue(moment) else { return }
        next.done(moment)
        // One source: what is missing is said in the value's own reason, and the first of those here.
        let _: Reading<NodeIdentity> = status.measure(moment) { () throws(SourceFailure) in
            identity = NodeIdentity()
            identity.machineID = first(
                ["\(options.etcRoot)/machine-id", "\(options.varLibRoot)/dbus/machine-id"], buffer, moment)
            identity.systemUUID = first(
                [
                    options.sysRoot + "/class/dmi/id/product_uuid", options.procRoot + "/device-tree/system-id",
                    options.procRoot + "/device-tree/vm,uuid", options.etcRoot + "/machine-id",
                ], buffer, moment)
            identity.bootID = first([options.procRoot + "/sys/kernel/random/boot_id"], buffer, moment)
            identity.osImage = first(
                [options.etcRoot + "/os-release", options.usrLibRoot + "/os-release"], buffer, moment
            ).map(parsePrettyName)
            if let names = options.systemCalls.uname() {
                identity.kernelVersion = .value(names.release, at: moment.wall)
                identity.architecture = .value(goArchitecture(names.machine), at: moment.wall)
            } else {
                identity.kernelVersion = .missing("uname: no answer")
                identity.architecture = .missing("uname: no answer")
            }
            let all = [
                identity.machineID, identity.systemUUID, identity.bootID, identity.kernelVersion, identity.osImage,
                identity.architecture,
            ]
            if let reason = all.lazy.compactMap(\.missingReason).first { throw .failed(reason) }
            return identity
        }
    }

    /// The first file that can be read and says something; else why the first one could not.
    private func first(_ paths: [String], _ buffer: ReadBuffer, _ moment: Moment) -> Reading<String> {
        var problem: String?
        for path in paths {
            do {
                let text = try readSmallFile(path, buffer)
                if !text.isEmpty { return .value(text, at: moment.wall) }
                problem = problem ?? "read \(path): it is empty"
            } catch {
                problem = problem ?? error.reason
            }
        }
        return .missing(problem ?? "no file")
    }
}

/// The name that Go has for what uname(2) calls the machine.
func goArchitecture(_ machine: String) -> String {
    switch machine {
    case "x86_64": "amd64"
    case "aarch64": "arm64"
    case "i386", "i486", "i586", "i686": "386"
    case "loongarch64": "loong64"
    case _ where machine.hasPrefix("armv"): "arm"
    default: machine  // ppc64le, s390x, riscv64 and the rest are called the same
    }
}

/// What timedate1 has said, and which of its answers that is.
struct ClockAnswer: Equatable {
    var isSynchronized: Bool
    var number: UInt64
}

/// Whether the clock is synchronised: as timedate1 says, until the kernel says something else than it did when timedate1
/// was asked, which is rarely. systemd's own timedate1 asks the kernel in its turn; another one may know better.
///
/// The kernel's greatest error is below 16 s, whatever STA_UNSYNC says (that flag may be set to keep the kernel off the
/// hardware clock): timedated's rule (systemd, src/basic/time-util.c, ntp_synced).
final class ClockReader {
    private let clockError: @Sendable () -> Result<UInt64, SourceFailure>
    private let status: SourceStatus
    private var answer: ClockAnswer?
    private var kernelAtAnswer = false

    init(_ options: CollectorOptions, _ ledger: SourceLedger) {
        clockError = options.systemCalls.clockError
        status = ledger.add("clock")
    }

    func read(_ moment: Moment, timedate1: ClockAnswer?) -> Reading<ClockState> {
        let error = status.measure(moment) { () throws(SourceFailure) in try clockError().get() }
        guard case .value(let error, let time) = error else {
            guard let timedate1 else { return error.map(Self.kernel) }
            return .value(
                ClockState(isSynchronized: timedate1.isSynchronized, source: "timedate1", maximumError: nil),
                at: moment.wall)
        }
        let kernel = Self.kernel(error)
        if answer != timedate1 { (answer, kernelAtAnswer) = (timedate1, kernel.isSynchronized) }
        guard let answer,
            kernel.isSynchronized == kernelAtAnswer || kernel.isSynchronized == answer.isSynchronized
        else { return .value(kernel, at: time) }
        return .value(
            ClockState(isSynchronized: answer.isSynchronized, source: "timedate1", maximumError: error), at: time)
    }

    private static func kernel(_ error: UInt64) -> ClockState {
        ClockState(isSynchronized: error < 16_000_000, source: "kernel", maximumError: error)
    }
}
