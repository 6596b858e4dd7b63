// SPDX-License-Identifier: Apache-2.0

/// One input of a pressure condition at one evaluation.
struct PressureInput {
    var signal: EvictionSignal
    var state: SignalState
    /// Why there is no reading now.
    var missingReason: String?
    var hard: EvictionThreshold?
    var soft: EvictionThreshold?

    /// Below a threshold that needs no grace period, so that the next reading decides.
    var awaitsConfirmation: Bool { state.hard.isBelow || (state.soft.isBelow && soft?.isHard == true) }

    /// Changes with what is missing, not with every way to put why.
    var missingToken: String {
        signal.rawValue + (missingReason == Self.notReadYet ? " " + Self.notReadYet : "")
    }

    static let notReadYet = Reading<Never>.notYetRead.missingReason ?? ""

    /// What is said of it when it makes the condition True.
    var text: String? {
        guard let amount = state.latest else { return nil }
        if state.hard.isActive, let hard { return ConditionWords.below(signal, amount, hard, for: .zero) }
        if state.soft.isActive, let soft { return ConditionWords.below(signal, amount, soft, for: state.softDuration) }
        return nil
    }
}

/// What a pressure condition should be, and why.
struct Verdict: Equatable {
    var status: ConditionStatus
    var reason: String
    var message: String
    /// What is missing, where that is why: the signals' names, marked while they have not been read at all.
    var missing: [String] = []
}

/// Decides one pressure condition.
struct PressureState {
    let type: ConditionType
    /// Monotonic time of the last evaluation that was bad.
    private var lastBad: Duration?
    /// What was said when it last became True.
    private var lastBadMessage: String?

    init(type: ConditionType) {
        self.type = type
    }

    /// - Returns: Nil: it stays as it is.
    mutating func evaluate(
        _ inputs: [PressureInput], current: ConditionStatus, transitionPeriod: Duration, uptime: Duration
    ) -> Verdict? {
        let active = inputs.filter { $0.state.isActive && !$0.state.isMissing }
        // Once True, a single bad reading is enough to prolong it.
        if !active.isEmpty || (current == .isTrue && inputs.contains { $0.state.isBelow && !$0.state.isMissing }) {
            lastBad = uptime
        }
        guard active.isEmpty else {
            let message = active.compactMap(\.text).joined(separator: "; ")
            if !message.isEmpty { lastBadMessage = message }
            return verdict(isTrue: true)
        }
        let missing = inputs.filter(\.state.isKnownMissing)
        guard missing.isEmpty else {
            let reasons = missing.map { (signal: $0.signal, reason: $0.missingReason ?? PressureInput.notReadYet) }
            return Verdict(
                status: .unknown, reason: ConditionWords.signalMissing, message: ConditionWords.missing(reasons),
                missing: missing.map(\.missingToken))
        }
        if let lastBad, max(.zero, uptime - lastBad) < transitionPeriod { return verdict(isTrue: true) }
        // Neither on the strength of a reading that is not there, nor while a bad one waits for its confirmation.
        let isUndecided = inputs.contains { $0.state.isMissing || $0.awaitsConfirmation }
        return isUndecided ? nil : verdict(isTrue: false)
    }

    private func verdict(isTrue: Bool) -> Verdict? {
        guard let words = ConditionWords.pressure(type, isTrue: isTrue) else { return nil }
        let values = isTrue ? lastBadMessage.map { ": " + $0 } ?? "" : ""
        return Verdict(status: isTrue ? .isTrue : .isFalse, reason: words.reason, message: words.message + values)
    }
}
