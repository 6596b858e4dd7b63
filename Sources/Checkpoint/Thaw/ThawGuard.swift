// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logbook
package import Logging

/// Looks after a container that a call may have left frozen, until it is seen that it is not.
package struct ThawGuard {
    package enum Result: Equatable, Sendable {
        case closed(ThawEnd)
        /// Not now: why.
        case open(ThawWait)
    }

    /// How often something that goes on is said again.
    private static let reminder = Duration.seconds(60)

    private let intent: JobIntent
    private let runtime: any CheckpointRuntime
    private let machine: any CheckpointMachine
    private let clock: any CheckpointClock
    private let logger: Logger
    private var decision: ThawDecision
    /// A runtime may give another reason at every look.
    private var waits = LogAllowance(burst: 20, perSecond: 0.1)
    private var resumes = LogAllowance(burst: 20, perSecond: 0.1)

    package init(
        _ intent: JobIntent, returned: JobReturn?, runtime: any CheckpointRuntime, machine: any CheckpointMachine,
        clock: any CheckpointClock, logger: Logger, timing: ThawDecision.Timing = .init()
    ) {
        self.intent = intent
        self.runtime = runtime
        self.machine = machine
        self.clock = clock
        self.logger = logger
        decision = ThawDecision(ThawCase(intent: intent, returned: returned), timing: timing)
    }

    /// - Parameters:
    ///   - patience: gives up after so long; nil: never.
    ///   - leaving: stops at a wait of this kind.
    package mutating func run(patience: Duration? = nil, leaving: (ThawWait) -> Bool = { _ in false }) async -> Result {
        let start = clock.monotonic()
        var said: (wait: ThawWait, at: Duration)?
        while true {
            switch decision.next(await look()) {
            case .closed(let end):
                return .closed(end)
            case .resume:
                await resume()
            case .wait(let duration, let reason):
                let now = clock.monotonic()
                if leaving(reason) { return .open(reason) }
                if let patience, now - start >= patience { return .open(reason) }
                // Settling is the rule after a lost call, and short.
                let level: Logger.Level = reason == .settling ? .debug : .warning
                if said?.wait != reason || now - (said?.at ?? now) >= Self.reminder,
                    level == .debug || waits.take(now)
                {
                    logger.log(
                        level: level, "container \(intent.containerID) is watched until it runs: \(reason.text)",
                        metadata: .of(.containerFrozen, ["container_id": "\(intent.containerID)"]))
                    said = (reason, now)
                }
                await clock.sleep(for: duration)
            }
        }
    }

    private mutating func resume() async {
        let isSaid = resumes.take(clock.monotonic())
        do throws(RuntimeError) {
            try await runtime.resume(intent.containerID)
            if isSaid {
                logger.notice(
                    "container \(intent.containerID) was left frozen by a checkpoint: told the runtime to resume it",
                    metadata: .of(.containerResumed, ["container_id": "\(intent.containerID)"]))
            }
        } catch {
            if isSaid {
                logger.warning(
                    "container \(intent.containerID) was left frozen by a checkpoint and cannot be resumed: \(error)",
                    metadata: .of(.containerNotResumed, ["container_id": "\(intent.containerID)"]))
            }
        }
        decision.resumed(at: clock.monotonic())
    }

    private func look() async -> ThawLook {
        let began = clock.monotonic()
        let task = await runtime.task(intent.containerID)
        let took = clock.monotonic() - began
        let current = runtime.process()
        let process: ThawLook.Process =
            switch intent.task {
            case nil: .unknown
            case let known? where machine.process(known.id) == known: .same
            case _?: .gone
            }
        let runtimeProcess: ThawLook.RuntimeProcess =
            if let before = intent.runtimeProcess, let current {
                before == current ? .same : .restarted
            } else {
                .unknown
            }
        return ThawLook(
            at: clock.monotonic(), isSameBoot: intent.bootID == machine.bootID(), process: process,
            runtime: runtimeProcess, task: task,
            freezer: intent.task.map { machine.freezer($0.id) } ?? .unknown("the container's process is not known"),
            dump: dumpSign(runtime: current), took: took)
    }

    private func dumpSign(runtime current: ProcessIdentity?) -> DumpSign {
        let kind = intent.runtime.kind
        // A criu that CRI-O has started is not below anything of the container's.
        if case .seen(let text) = machine.workSign(task: kind == .containerd ? intent.task?.id : nil) {
            return .seen(text)
        }
        guard kind == .containerd else { return .none }
        return machine.workDirectorySign(runtime.workDirectory(intent.containerID), runtime: current)
    }
}
