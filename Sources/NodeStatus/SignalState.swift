// SPDX-License-Identifier: Apache-2.0

/// What is remembered of one signal from reading to reading.
struct SignalState {
    /// How one threshold fares.
    struct Threshold {
        /// Readings in a row that were below it.
        fileprivate var readingsBelow = 0
        /// Since when (monotonic) every reading was below it.
        fileprivate var belowSince: Duration?
        /// The last reading was below it.
        var isBelow: Bool { readingsBelow > 0 }
        /// It counts: long enough below, and since then not back above threshold and minimum reclaim.
        fileprivate(set) var isActive = false
    }

    private(set) var hard = Threshold()
    private(set) var soft = Threshold()
    /// How long the soft threshold has been met without a break.
    private(set) var softDuration: Duration = .zero
    /// Snapshots in a row without a reading.
    private(set) var missingInARow = 0
    private(set) var wasEverRead = false
    private(set) var latest: SignalAmount?
    private var latestTime: Timestamp?
    /// The latest reading is below a threshold.
    private(set) var isMet = false
    /// Since when that is so; nil before the first reading.
    private(set) var metSince: Timestamp?

    /// A hard threshold is taken at its word only the second time.
    static let readingsToConfirm = 2
    /// And not before this has passed: a change event or a reload can bring two readings within milliseconds, and a dip
    /// that they both see is a dip all the same. A little under the collector's second, which is not kept to the last bit.
    static let timeToConfirm: Duration = .milliseconds(900)
    /// By how much a reading may come early and still end a grace period.
    static let tickTolerance: Duration = .milliseconds(100)
    /// And so is a source that gives nothing.
    static let missesToConfirm = 2

    var isMissing: Bool { missingInARow > 0 }
    var isKnownMissing: Bool { !wasEverRead || missingInARow >= Self.missesToConfirm }
    var isActive: Bool { hard.isActive || soft.isActive }
    var isBelow: Bool { hard.isBelow || soft.isBelow }

    /// - Parameter isNewSnapshot: False when this snapshot has been seen before. A reading counts once, however often it
    ///   is looked at.
    mutating func update(
        _ observation: SignalObservation, hard hardThreshold: EvictionThreshold?,
        soft softThreshold: EvictionThreshold?, uptime: Duration, now: Timestamp, isNewSnapshot: Bool
    ) {
        if observation.inapplicable != nil {
            self = SignalState()
            return
        }
        guard case .value(let amount, let time) = observation.reading else {
            if isNewSnapshot { missingInARow = min(missingInARow + 1, Self.missesToConfirm) }
            if isKnownMissing { forgetThresholds() }
            return
        }
        let isNewReading = latestTime != time || latest != amount
        missingInARow = 0
        wasEverRead = true
        (latest, latestTime) = (amount, time)
        hard.update(amount, hardThreshold, uptime: uptime, isNewReading: isNewReading)
        soft.update(amount, softThreshold, uptime: uptime, isNewReading: isNewReading)
        softDuration = soft.belowSince.map { max(.zero, uptime - $0) } ?? .zero
        if metSince == nil || isBelow != isMet { metSince = now }
        isMet = isBelow
    }

    /// What was below a threshold before nobody could look may be anywhere now.
    private mutating func forgetThresholds() {
        hard = Threshold()
        soft = Threshold()
        softDuration = .zero
        latest = nil
        latestTime = nil
        isMet = false
        metSince = nil
    }
}

extension SignalState.Threshold {
    fileprivate mutating func update(
        _ amount: SignalAmount, _ threshold: EvictionThreshold?, uptime: Duration, isNewReading: Bool
    ) {
        guard let threshold else {
            self = SignalState.Threshold()
            return
        }
        // Strictly, as in the kubelet: exactly at the threshold is not below it.
        if threshold.absolute(capacity: amount.capacity) > amount.available {
            if isNewReading || readingsBelow == 0 {
                readingsBelow = min(readingsBelow + 1, SignalState.readingsToConfirm)
            }
            let since = belowSince ?? uptime
            belowSince = since
            let isLongEnough =
                threshold.isHard
                ? readingsBelow >= SignalState.readingsToConfirm && uptime - since >= SignalState.timeToConfirm
                : uptime - since >= (threshold.grace ?? .zero) - SignalState.tickTolerance
            isActive = isActive || isLongEnough
        } else {
            readingsBelow = 0
            belowSince = nil
            isActive = isActive && threshold.absoluteToRecover(capacity: amount.capacity) > amount.available
        }
    }
}
