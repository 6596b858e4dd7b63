// SPDX-License-Identifier: Apache-2.0

/// How a signal stands now: the live values that the conditions, whose messages stay as they were, do not show.
package struct SignalStatus: Codable, Equatable, Sendable {
    package struct Threshold: Codable, Equatable, Sendable {
        /// As configured: `100Mi`, `10%`.
        package var text: String
        /// In bytes, inodes or tasks; nil while a percentage has nothing to be one of.
        package var absolute: UInt64?
        /// How long it has to be met before it counts, as Go prints it; nil for a hard threshold.
        package var grace: String?
        /// What has to be available beyond it before it no longer counts.
        package var minimumReclaim: String?

        package init(text: String, absolute: UInt64?, grace: String? = nil, minimumReclaim: String? = nil) {
            self.text = text
            self.absolute = absolute
            self.grace = grace
            self.minimumReclaim = minimumReclaim
        }
    }

    package var signal: EvictionSignal
    package var condition: ConditionType
    /// In bytes, inodes or tasks; nil while it is missing.
    package var available: UInt64?
    package var capacity: UInt64?
    package var hard: Threshold?
    package var soft: Threshold?
    /// The latest reading is below a threshold. The condition follows when it has been long enough.
    package var met: Bool
    /// Since when `met` is what it is; nil before the first reading.
    package var since: Timestamp?
    /// Why there is no reading.
    package var missing: String?
    /// Why this node does not have the signal; it counts for nothing then.
    package var notApplicable: String?

    init(
        _ observation: SignalObservation, _ state: SignalState?, hard: EvictionThreshold?, soft: EvictionThreshold?
    ) {
        let amount = observation.inapplicable == nil ? observation.reading.value : nil
        func status(_ threshold: EvictionThreshold) -> Threshold {
            let absolute: UInt64?
            switch threshold.value {
            case .quantity: absolute = threshold.absolute(capacity: 0)
            case .fraction: absolute = amount.map { threshold.absolute(capacity: $0.capacity) }
            }
            return Threshold(
                text: threshold.value.description, absolute: absolute,
                grace: threshold.isHard ? nil : threshold.grace.map(GoDuration.format),
                minimumReclaim: threshold.minimumReclaim?.description)
        }
        signal = observation.signal
        condition = observation.signal.condition
        available = amount?.available
        capacity = amount?.capacity
        self.hard = hard.map(status)
        self.soft = soft.map(status)
        met = state?.isMet ?? false
        since = state?.metSince
        missing = observation.inapplicable == nil ? observation.reading.missingReason : nil
        notApplicable = observation.inapplicable
    }
}
