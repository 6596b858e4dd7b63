// SPDX-License-Identifier: Apache-2.0

/// The maps of a kubelet configuration that set thresholds.
package enum EvictionThresholds {
    /// The kubelet's defaults on Linux (pkg/kubelet/eviction/defaults_linux.go), and `pid.available<10%`: without one,
    /// PIDPressure could never become True.
    ///
    /// As in the kubelet, a configured `evictionHard` replaces all of them.
    package static let defaults: [EvictionThreshold] = [
        EvictionThreshold(signal: .memoryAvailable, value: .quantity(Quantity(bytes: 100 << 20))),
        EvictionThreshold(signal: .nodefsAvailable, value: .fraction(10 / 100)),
        EvictionThreshold(signal: .nodefsInodesFree, value: .fraction(5 / 100)),
        EvictionThreshold(signal: .imagefsAvailable, value: .fraction(15 / 100)),
        EvictionThreshold(signal: .imagefsInodesFree, value: .fraction(5 / 100)),
        EvictionThreshold(signal: .pidAvailable, value: .fraction(10 / 100)),
    ]

    /// Parses `evictionHard`, with `evictionMinimumReclaim`.
    ///
    /// - Returns: In the order of `EvictionSignal.allCases`; signals that are switched off (`0%`) are left out.
    /// - Throws: `SyntaxError` for an unknown signal or a bad value.
    package static func parse(
        hard: [String: String], minimumReclaim: [String: String] = [:]
    ) throws(SyntaxError) -> [EvictionThreshold] {
        try checkSignals(minimumReclaim)
        var thresholds: [EvictionThreshold] = []
        for (signal, value) in hard.sorted(by: { $0.key < $1.key }) {
            let threshold = try EvictionThreshold.parse(
                signal: signal, value: value, minimumReclaim: minimumReclaim[signal])
            if let threshold { thresholds.append(threshold) }
        }
        return inOrder(thresholds)
    }

    /// Parses `evictionSoft` with `evictionSoftGracePeriod` and `evictionMinimumReclaim`.
    ///
    /// - Throws: `SyntaxError` for an unknown signal, a bad value, or a threshold without its grace period.
    package static func parse(
        soft: [String: String], gracePeriods: [String: String], minimumReclaim: [String: String] = [:]
    ) throws(SyntaxError) -> [EvictionThreshold] {
        try checkSignals(minimumReclaim)
        try checkSignals(gracePeriods)
        var thresholds: [EvictionThreshold] = []
        for (signal, value) in soft.sorted(by: { $0.key < $1.key }) {
            guard let grace = gracePeriods[signal] else {
                throw SyntaxError(
                    value, isNot: "a soft threshold for \(signal)",
                    problem: "every soft threshold needs a grace period in evictionSoftGracePeriod",
                    allowed: "a duration such as 1m30s")
            }
            let threshold = try EvictionThreshold.parse(
                signal: signal, value: value, grace: try GoDuration.parse(grace),
                minimumReclaim: minimumReclaim[signal])
            if let threshold { thresholds.append(threshold) }
        }
        return inOrder(thresholds)
    }

    private static func checkSignals(_ map: [String: String]) throws(SyntaxError) {
        for signal in map.keys.sorted() where EvictionSignal(rawValue: signal) == nil {
            throw SyntaxError(
                signal, isNot: "an eviction signal", problem: "there is none of that name",
                allowed: EvictionSignal.allCases.map(\.rawValue).joined(separator: ", "))
        }
    }

    private static func inOrder(_ thresholds: [EvictionThreshold]) -> [EvictionThreshold] {
        EvictionSignal.allCases.compactMap { signal in thresholds.first { $0.signal == signal } }
    }
}
