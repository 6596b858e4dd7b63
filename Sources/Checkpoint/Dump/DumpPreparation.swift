// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logbook
internal import Logging

/// What watches a container from the last look before its dump to the answer.
struct DumpWatch {
    var task: ProcessIdentity?
    var events: TaskEventWatch?
    var directories: (any WorkDirectoryCount)?
    /// Work directories that were made before.
    var directoriesBefore: Int?

    /// What was seen since.
    var evidence: ContentionEvidence {
        let seen = events?.events
        let made: Int? =
            if let now = directories?.made(), let directoriesBefore { now - directoriesBefore } else { nil }
        return ContentionEvidence(
            events: seen?.all, eventsAreComplete: seen?.isComplete ?? true, workDirectories: made)
    }
}

/// Looks at the pinned container until it runs, thawed, with nobody at work on it.
struct DumpPreparation {
    enum Result {
        case ready(DumpWatch)
        case ended(JobOutcome, String)
    }

    let run: DumpRun
    let runtime: any CheckpointRuntime
    let attempt: Int

    /// Others may take turns for this long.
    static let patience = Duration.seconds(600)
    /// The runtime may be away for this long: restarted, for instance.
    static let runtimePatience = Duration.seconds(30)
    /// Somebody's dump, where it cannot be told from a pause, may take this long.
    static let pauseGrace = Duration.seconds(10)
    /// Where it can, and somebody has just been at work.
    static let shortPauseGrace = Duration.seconds(2)
    private static let podUID = "io.kubernetes.pod.uid"

    private var around: JobSurroundings { run.around }
    private var identity: ContainerIdentity { run.request.container }

    func run() async throws -> Result {
        let start = around.clock.monotonic()
        var unreachableSince: Duration?
        var pausedSince: Duration?
        var said = ""
        // A runtime may give another one at every look.
        var reasons = LogAllowance(burst: 20, perSecond: 0.1)
        var seen = Seen(activity: DumpActivity(quiet: around.timing(for: run.request).quiet))
        while true {
            var reason: String
            do throws(RuntimeError) {
                switch try await look(&seen) {
                case .ready(let watch): return .ready(watch)
                case .ended(let outcome, let message): return .ended(outcome, message)
                case .busy(let text):
                    reason = text
                    pausedSince = nil
                case .paused(let text, let grace):
                    reason = text
                    let since = pausedSince ?? around.clock.monotonic()
                    pausedSince = since
                    if around.clock.monotonic() - since >= grace { return .ended(.paused, text) }
                }
                unreachableSince = nil
            } catch {
                guard RuntimeFailure.isCutOff(error) else {
                    return .ended(RuntimeFailure(error) == .gone ? .replaced : .runtimeError, error.description)
                }
                let since = unreachableSince ?? around.clock.monotonic()
                unreachableSince = since
                reason = error.message
                if around.clock.monotonic() - since >= Self.runtimePatience {
                    return .ended(.runtimeError, error.description)
                }
            }
            let waited = around.clock.monotonic() - start
            if waited >= Self.patience {
                return .ended(
                    .contended, "others have worked on it for \(Self.patience.components.seconds) s: \(reason)")
            }
            if reason != said, reasons.take(around.clock.monotonic()) {
                around.logger.info(
                    "container \(identity.containerID) cannot be checkpointed yet: \(reason)",
                    metadata: .of(.checkpointDelayed, ["container_id": "\(identity.containerID)"]))
                said = reason
            }
            await around.clock.sleep(for: waited < .seconds(2) ? .milliseconds(50) : .milliseconds(250))
        }
    }

    private enum Look {
        case ready(DumpWatch)
        case ended(JobOutcome, String)
        case busy(String)
        case paused(String, grace: Duration)
    }

    /// What is kept from look to look.
    private struct Seen {
        var directories: (any WorkDirectoryCount)?
        var activity: DumpActivity
    }

    private func look(_ seen: inout Seen) async throws(RuntimeError) -> Look {
        let id = identity.containerID
        let (events, isNew) = eventWatch()
        let details = try await runtime.container(id)
        if let uid = details.labels[Self.podUID], uid != identity.podUID {
            return .ended(.replaced, "container \(id) belongs to another pod now (uid \(uid))")
        }
        let kind = runtime.about.kind
        let task = details.processID.flatMap { around.machine.process($0) }
        if details.state == .running, task == nil, kind != .other {
            return .busy("the runtime does not tell a process of it that is there")
        }
        // Whoever is to be noticed begins behind this point, and the look at the container comes behind it as well.
        if isNew {
            try await events?.ready()
            run.eventsAreReady = true
        }
        let isWatched = events?.clear() ?? true
        let directory = runtime.workDirectory(id)
        if seen.directories == nil { seen.directories = directory.flatMap { around.machine.watch($0) } }
        var watch = DumpWatch(task: task, events: events, directories: seen.directories)
        watch.directoriesBefore = seen.directories?.made()
        let answer = await runtime.task(id)
        var dump = around.machine.workDirectorySign(directory, runtime: runtime.process())
        if case .workDirectory = dump {
            dump = seen.activity.underWay(dump, at: around.clock.monotonic()).map { .seen($0) } ?? .none
        }
        let look = ContainerLook(
            state: details.state, task: answer, freezer: around.machine.freezer(task?.id ?? 0), dump: dump)
        switch Readiness.judge(look, kind: kind) {
        case .ready: break
        case .busy(let text): return .busy(text)
        // After a try that somebody has disturbed, a pause may be his dump's.
        case .paused where attempt == 1: return .ended(.paused, Self.pausedText)
        case .paused: return .paused(Self.pausedText, grace: Self.shortPauseGrace)
        case .pausedOrDumped: return .paused(Self.pausedText, grace: Self.pauseGrace)
        case .notRunning(let state): return .ended(.notRunning, "container \(id) is not running: \(state)")
        case .gone: return .ended(.replaced, "the runtime does not know container \(id) any more")
        }
        guard isWatched, watch.evidence.isUneventful else { return .busy("somebody has just worked on it") }
        return .ready(watch)
    }

    private static let pausedText = "somebody else has paused it"

    /// The one of before, or another one, which has to be waited for.
    private func eventWatch() -> (watch: TaskEventWatch?, isNew: Bool) {
        guard runtime.hasTaskEvents else { return (nil, false) }
        if let events = run.events, run.eventsAreReady, events.events.isComplete { return (events, false) }
        run.events?.stop()
        let events = TaskEventWatch.start(identity.containerID, of: runtime)
        run.events = events
        run.eventsAreReady = false
        return (events, true)
    }
}
