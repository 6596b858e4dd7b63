// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// What the bus has said so far, handed from its thread to the collector's.
struct BusState: Sendable {
    /// How the last exchange with one service went.
    struct Outcome: Sendable {
        enum Result: Sendable {
            case ok
            case failed(SourceFailure)
            case hung(String)
        }
        var result: Result
        var moment: Moment
        var took: UInt64
        /// Rises with every outcome, so that none is counted twice.
        var number: UInt64
    }

    static let services = ["bus", "hostname1", "login1", "systemd1", "timedate1"]

    var outcomes: [String: Outcome] = [:]
    var systemd: Reading<Manager> = .notYetRead
    var host: Reading<Host> = .notYetRead
    /// timedate1's NTPSynchronized.
    var isSynchronized: Bool?
    var isPreparingForShutdown = false

    /// The properties of systemd1.
    struct Manager: Equatable, Sendable {
        var version = ""
        var systemState = ""
        var virtualization = ""
        var failedUnitCount: UInt64 = 0
        var failedUnits: [String] = []
    }

    /// The properties of hostname1.
    struct Host: Equatable, Sendable {
        var chassis = ""
        var vendor = ""
        var model = ""
    }

    mutating func note(_ service: String, _ result: Outcome.Result, _ moment: Moment, took: UInt64) {
        let number = (outcomes[service]?.number ?? 0) &+ 1
        outcomes[service] = Outcome(result: result, moment: moment, took: took, number: number)
    }
}

/// The bus's state under a lock. Whoever changes it wakes the collector.
final class BusMailbox: @unchecked Sendable {
    // Safe because `state` and `version` are touched only while the monitor is held.
    private let monitor = Monitor()
    private let changed: Monitor.Condition
    private var state = BusState()
    private var version: UInt64 = 0
    private var hasSettled = false
    private let wake: EventSignal

    init(wake: EventSignal) {
        self.wake = wake
        changed = Monitor.Condition(of: monitor)
    }

    func update(_ body: (inout BusState) -> Void) {
        monitor.locked {
            body(&state)
            version &+= 1
        }
        wake.signal()
    }

    /// The first round is over, with or without answers.
    func settle() {
        monitor.locked {
            hasSettled = true
            changed.broadcast()
        }
    }

    /// Nil when nothing has changed since `seen`.
    func take(since seen: inout UInt64) -> BusState? {
        monitor.locked {
            guard version != seen else { return nil }
            seen = version
            return state
        }
    }

    func waitUntilSettled(deadline: UInt64) {
        monitor.locked {
            while !hasSettled {
                if !changed.wait(until: deadline) { return }
            }
        }
    }
}
