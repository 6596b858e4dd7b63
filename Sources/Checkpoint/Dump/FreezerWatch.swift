// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix
internal import Synchronization

/// Looks at a freezer every 20 ms, on a thread of its own, until it is stopped.
final class FreezerWatch: FreezerTime {
    private static let interval: useconds_t = 20_000

    private struct State {
        var trace = FreezerTrace()
        var isStopped = false
    }

    private let processID: Int32
    private let machine: any CheckpointMachine
    private let clock = SystemClock()
    private let state = Mutex(State())

    private init(processID: Int32, machine: any CheckpointMachine) {
        self.processID = processID
        self.machine = machine
    }

    /// nil where the freezer cannot be read, or there is no thread to be had.
    static func start(processID: Int32, machine: any CheckpointMachine) -> FreezerWatch? {
        switch machine.freezer(processID) {
        case .unknown, .gone: return nil
        case .thawed, .freezing, .frozen: break
        }
        let watch = FreezerWatch(processID: processID, machine: machine)
        guard (try? startThread(name: "freezer", stackSize: 256 << 10) { watch.run() }) != nil else { return nil }
        return watch
    }

    func stop() -> Duration? {
        look()
        return state.withLock { state in
            state.isStopped = true
            return state.trace.frozen(until: clock.monotonic())
        }
    }

    private func look() {
        let freezer = machine.freezer(processID)
        let time = clock.monotonic()
        state.withLock { $0.trace.observe(freezer, at: time) }
    }

    private func run() {
        while !state.withLock({ $0.isStopped }) {
            look()
            usleep(Self.interval)
        }
    }
}
