// SPDX-License-Identifier: Apache-2.0

/// Decides what to do about a container that a call may have left frozen, look after look. No I/O, no clock.
///
/// What is known (containerd 2.1, CRI-O 1.37): a runtime that answers has resumed what it paused. One whose caller is
/// lost early in a dump leaves the container frozen for good (containerd), or finishes and thaws it (CRI-O). CRIU thaws
/// the cgroup while it holds the processes by itself: a thawed cgroup alone is not a running container.
package struct ThawDecision: Equatable, Sendable {
    /// How long something must be seen on every look before it is believed.
    package struct Timing: Equatable, Sendable {
        package var interval: Duration = .milliseconds(200)
        package var settle: Duration = .seconds(2)
        /// After a lost call a container runs for up to 0.2 s before it is paused all the same (containerd 2.1, measured).
        package var settleRunning: Duration = .seconds(3)
        /// The same in looks: a machine that stood still has not looked.
        package var looks = 8
        /// Where the freezer cannot be read, or the runtime is not there to ask.
        package var settleWithoutFreezer: Duration = .seconds(10)
        /// Where somebody's dump in its later phases would look like a pause.
        package var settleWithoutSigns: Duration = .seconds(30)
        /// See ``DumpActivity``.
        package var quiet: Duration = DumpActivity.quiet(for: nil)
        package var longestWait: Duration = .seconds(5)

        package init() {}
    }

    private let thaw: ThawCase
    private let timing: Timing
    /// What has been seen on every look since, and on how many.
    private var seen: (what: Sight, since: Duration, looks: Int)?
    private var activity: DumpActivity
    private var unreachable = 0
    private var resumes = 0
    private var slowest: Duration = .zero
    private var resumedAt: Duration?

    private enum Sight: Equatable {
        case frozen
        case running
        case thawedWithoutRuntime
    }

    package init(_ thaw: ThawCase, timing: Timing = Timing()) {
        self.thaw = thaw
        self.timing = timing
        activity = DumpActivity(quiet: timing.quiet)
    }

    package static func == (left: ThawDecision, right: ThawDecision) -> Bool {
        left.thaw == right.thaw && left.timing == right.timing && left.resumes == right.resumes
            && left.resumedAt == right.resumedAt && left.seen?.what == right.seen?.what
    }

    /// ``ThawStep/resume`` was carried out, with whatever success.
    package mutating func resumed(at time: Duration) {
        resumes += 1
        resumedAt = time
    }

    package mutating func next(_ look: ThawLook) -> ThawStep {
        slowest = max(slowest, look.took)
        guard look.isSameBoot else { return .closed(.gone("the node was restarted")) }
        if look.process == .gone { return .closed(.gone("the container's process is gone")) }
        if case .unreachable(let reason) = look.task { return withoutRuntime(look, reason) }
        unreachable = 0
        let state = state(look)
        // Whoever keeps the runtime from answering may have been at it all the time.
        if state != .paused && state != .running { activity.forget() }
        switch state {
        case .gone: return notKnown(look)
        case .stopped: return .closed(.stopped)
        case .running: return running(look)
        case .paused: return paused(look)
        case .pausing: return unsettled(.busy("it is being paused"))
        case .created: return unsettled(.busy("it says CREATED"))
        case .unclear(let words): return unsettled(.busy(words))
        case .busy: return unsettled(.busy("no answer in time"))
        case .unreachable(let reason): return unsettled(.runtimeUnreachable(reason))
        }
    }

    /// containerd knows the freezer; CRI does not, and calls a frozen container running.
    private func state(_ look: ThawLook) -> TaskAnswer {
        guard thaw.kind != .containerd, look.task == .running else { return look.task }
        return switch look.freezer {
        case .frozen: .paused
        case .freezing: .pausing
        case .thawed, .unknown, .gone: .running
        }
    }

    private mutating func unsettled(_ reason: ThawWait) -> ThawStep {
        seen = nil
        return .wait(timing.interval, reason)
    }

    /// Counts a look; true when the same has been seen for `settle`.
    private mutating func settled(_ what: Sight, at time: Duration, for settle: Duration) -> Bool {
        if let last = seen, last.what == what {
            seen = (what, last.since, last.looks + 1)
            return time - last.since >= settle && last.looks + 1 >= timing.looks
        }
        seen = (what, time, 1)
        return false
    }

    private mutating func withoutRuntime(_ look: ThawLook, _ reason: String) -> ThawStep {
        unreachable += 1
        // The freezer answers without it. A container that stays thawed, and that nobody dumps, runs.
        if look.process == .same, look.freezer == .thawed, activity.underWay(look.dump, at: look.at) == nil {
            if settled(.thawedWithoutRuntime, at: look.at, for: timing.settleWithoutFreezer) {
                return .closed(.running(resumedByUs: resumes > 0))
            }
        } else {
            seen = nil
        }
        return .wait(
            min(timing.interval * (1 << min(unreachable - 1, 5)), timing.longestWait), .runtimeUnreachable(reason))
    }

    /// The runtime has forgotten it: a restarted one can do that to a container that it could not load.
    private mutating func notKnown(_ look: ThawLook) -> ThawStep {
        switch look.freezer {
        case .frozen where look.process == .same, .freezing where look.process == .same:
            return unsettled(.unseen("the runtime does not know it, and its process is frozen"))
        default:
            return .closed(.gone("the runtime does not know the container any more"))
        }
    }

    private mutating func running(_ look: ThawLook) -> ThawStep {
        switch look.freezer {
        case .frozen, .freezing: return unsettled(.busy("it says RUNNING, and its cgroup is frozen"))
        case .unknown(let reason) where thaw.kind != .containerd && thaw.isLost:
            return unsettled(.unseen(reason))
        case .thawed, .unknown, .gone: break
        }
        guard thaw.isLost, resumes == 0 else { return .closed(.running(resumedByUs: resumes > 0)) }
        // Nobody has answered: the call may be on its way, and pause it yet.
        if let text = activity.underWay(look.dump, at: look.at) { return unsettled(.dumpUnderWay(text)) }
        // Where the runtime answers slowly, what is on its way comes late as well.
        let settle = timing.settleRunning + min(slowest * 20, timing.settleWithoutSigns)
        guard settled(.running, at: look.at, for: settle) else {
            return .wait(timing.interval, .settling)
        }
        return .closed(.running(resumedByUs: false))
    }

    private mutating func paused(_ look: ThawLook) -> ThawStep {
        if look.freezer == .thawed { return unsettled(.busy("it says PAUSED, and its cgroup is thawed")) }
        guard isOurs(look) else {
            seen = nil
            return .wait(timing.interval * 5, .pausedByOthers)
        }
        if thaw.kind != .containerd, look.runtime != .restarted {
            return unsettled(.dumpUnderWay("the runtime finishes it by itself"))
        }
        if let text = activity.underWay(look.dump, at: look.at) { return unsettled(.dumpUnderWay(text)) }
        let settle =
            switch (look.dump, look.freezer) {
            case (.invisible, _): timing.settleWithoutSigns
            case (_, .frozen): timing.settle
            case (_, .freezing), (_, .thawed), (_, .gone), (_, .unknown): timing.settleWithoutFreezer
            }
        guard settled(.frozen, at: look.at, for: settle) else { return .wait(timing.interval, .settling) }
        if let resumedAt {
            let backoff = min(timing.interval * (1 << min(resumes, 5)), timing.longestWait)
            guard look.at - resumedAt >= backoff else { return .wait(timing.interval, .resumeFailed) }
        }
        return .resume
    }

    /// Whether this pause may be one that our call made and nobody will undo.
    private func isOurs(_ look: ThawLook) -> Bool {
        guard thaw.ranBefore, look.process == .same else { return false }
        return switch thaw.call {
        case .returned: false
        case .failed(let pauseIsOpen): pauseIsOpen
        case .lost(let resumeWasSeen): !resumeWasSeen
        }
    }
}
