// SPDX-License-Identifier: Apache-2.0

/// A condition that changed its status.
package struct ConditionFlip: Equatable, Sendable {
    package var condition: NodeCondition
    package var previous: ConditionStatus
    /// The reason of the event that a kubelet sends then: `NodeHasDiskPressure`. Nil: it sends none.
    package var eventReason: String?
}

/// Turns snapshots into conditions: the kubelet's rules with memory, so that a single bad reading changes nothing, what
/// nobody could read is Unknown, and a node at rest gives the same conditions every time.
///
/// It has no clock: `uptime` is monotonic and decides everything that lasts; `now` is only written down. Evaluate it once
/// for each snapshot; a reading that it has seen before counts for nothing new.
package struct ConditionTracker: Sendable {
    /// In the kubelet's order, Ready last.
    package private(set) var conditions: [NodeCondition]
    /// All nine in the order of `EvictionSignal`; empty before the first evaluation.
    package private(set) var signals: [SignalStatus] = []

    private var settings: NodeSettings
    private let wording: ReadyWording
    private var states: [EvictionSignal: SignalState] = [:]
    private var pressures: [PressureState]
    private var readiness = ReadinessProblems()
    /// Monotonic time of each condition's last flip.
    private var flippedAt: [ConditionType: Duration] = [:]
    /// What each Unknown condition was said to miss.
    private var missing: [ConditionType: [String]] = [:]
    private var lastHeartbeat: Duration?
    private var lastSnapshotTime: Timestamp?

    /// Everything is Unknown until it has been read.
    package init(settings: NodeSettings, now: Timestamp, wording: ReadyWording = .nodekeep) {
        self.settings = settings
        self.wording = wording
        let stamp = Timestamp(seconds: now.seconds)
        conditions = ConditionType.allCases.map { type in
            NodeCondition(
                type: type, status: .unknown, lastHeartbeatTime: stamp, lastTransitionTime: stamp,
                reason: ConditionWords.signalMissing, message: "nothing has been read yet")
        }
        pressures = ConditionType.allCases.filter { $0 != .ready }.map(PressureState.init)
    }

    /// Goes on with other settings; what was observed so far is kept.
    package mutating func update(settings: NodeSettings) {
        self.settings = settings
    }

    /// Takes a snapshot into account.
    ///
    /// - Parameters:
    ///   - uptime: Of a clock that only goes forward.
    ///   - now: The wall clock, for the time stamps.
    /// - Returns: The conditions that changed their status, for the log and for events.
    @discardableResult
    package mutating func evaluate(
        _ snapshot: NodeSnapshot, health: SelfHealth, uptime: Duration, now: Timestamp
    ) -> [ConditionFlip] {
        // 292 years: what is beyond is no uptime, and would not bear subtraction.
        let uptime = min(max(uptime, .zero), .nanoseconds(Int64.max))
        let isNew = lastSnapshotTime != snapshot.time
        lastSnapshotTime = snapshot.time
        let inputs = observe(snapshot, uptime: uptime, now: now, isNew: isNew)

        var verdicts: [ConditionType: Verdict] = [:]
        for index in pressures.indices {
            let type = pressures[index].type
            verdicts[type] = pressures[index].evaluate(
                inputs.filter { $0.signal.condition == type }, current: status(type),
                transitionPeriod: settings.transitionPeriod(of: type), uptime: uptime)
        }
        verdicts[.ready] = ready(
            readiness.evaluate(snapshot, settings, health, uptime: uptime, isNew: isNew))
        return apply(verdicts, uptime: uptime, now: Timestamp(seconds: now.seconds))
    }

    private func status(_ type: ConditionType) -> ConditionStatus {
        conditions.first { $0.type == type }?.status ?? .unknown
    }

    /// Brings the signals up to date, and gives those that conditions depend on.
    private mutating func observe(
        _ snapshot: NodeSnapshot, uptime: Duration, now: Timestamp, isNew: Bool
    ) -> [PressureInput] {
        let thresholds = EffectiveThresholds.compute(snapshot, settings)
        var inputs: [PressureInput] = []
        signals = SignalObservation.all(snapshot, settings).map { observation in
            let signal = observation.signal
            let (hard, soft) = (thresholds.hard[signal], thresholds.soft[signal])
            var state = states[signal] ?? SignalState()
            state.update(
                observation, hard: hard, soft: soft, uptime: uptime, now: Timestamp(seconds: now.seconds),
                isNewSnapshot: isNew)
            states[signal] = state
            if observation.inapplicable == nil, Self.isInput(signal, hasThreshold: hard != nil || soft != nil) {
                inputs.append(
                    PressureInput(
                        signal: signal, state: state, missingReason: observation.reading.missingReason, hard: hard,
                        soft: soft))
            }
            return SignalStatus(observation, state, hard: hard, soft: soft)
        }
        return inputs
    }

    /// Those with a threshold, and each condition's first: without any threshold a condition is False, but not without
    /// having looked. `containerfs.*` repeat others.
    private static func isInput(_ signal: EvictionSignal, hasThreshold: Bool) -> Bool {
        switch signal {
        case .memoryAvailable, .nodefsAvailable, .pidAvailable: true
        case .containerfsAvailable, .containerfsInodesFree: false
        case .allocatableMemoryAvailable, .nodefsInodesFree, .imagefsAvailable, .imagefsInodesFree: hasThreshold
        }
    }

    private func ready(_ problems: [String]) -> Verdict {
        problems.isEmpty
            ? Verdict(status: .isTrue, reason: wording.readyReason, message: wording.readyMessage)
            : Verdict(
                status: .isFalse, reason: wording.notReadyReason, message: ReadinessProblems.aggregate(problems))
    }

    private mutating func apply(
        _ verdicts: [ConditionType: Verdict], uptime: Duration, now: Timestamp
    ) -> [ConditionFlip] {
        var flips: [ConditionFlip] = []
        var isChanged = false
        for index in conditions.indices {
            let condition = conditions[index]
            guard let verdict = verdicts[condition.type] else { continue }
            let isFlip = verdict.status != condition.status
            guard isFlip || isNews(verdict, for: condition) else { continue }
            conditions[index].status = verdict.status
            conditions[index].reason = verdict.reason
            conditions[index].message = verdict.message
            missing[condition.type] = verdict.missing
            isChanged = true
            guard isFlip else { continue }
            conditions[index].lastTransitionTime = now
            flippedAt[condition.type] = uptime
            flips.append(
                ConditionFlip(
                    condition: conditions[index], previous: condition.status,
                    eventReason: ConditionWords.event(condition.type, verdict.status)))
        }
        beat(isDue: isChanged, uptime: uptime, now: now)
        return flips.map { flip in
            var flip = flip
            flip.condition.lastHeartbeatTime = now
            return flip
        }
    }

    /// What is written down without a flip: Ready always says what holds now, as the kubelet's does; Unknown says anew
    /// what is missing when that is something else, but not each time the cause is put differently. The pressures keep
    /// the words of their flip.
    private func isNews(_ verdict: Verdict, for condition: NodeCondition) -> Bool {
        if condition.type == .ready { return verdict.message != condition.message }
        return verdict.status == .unknown && verdict.missing != missing[condition.type]
    }

    /// Moves all heartbeats at once: with a change, or when the report period has passed.
    private mutating func beat(isDue: Bool, uptime: Duration, now: Timestamp) {
        if !isDue, let lastHeartbeat, uptime - lastHeartbeat < settings.statusReportFrequency { return }
        lastHeartbeat = uptime
        for index in conditions.indices {
            conditions[index].lastHeartbeatTime = now
            // The clock was set back: a transition that seems to lie ahead gets the time it has on the new clock.
            guard conditions[index].lastTransitionTime > now else { continue }
            let elapsed = max(.zero, uptime - (flippedAt[conditions[index].type] ?? uptime))
            let (seconds, overflow) = now.seconds.subtractingReportingOverflow(elapsed.components.seconds)
            conditions[index].lastTransitionTime = Timestamp(seconds: overflow ? .min : seconds)
        }
    }
}
