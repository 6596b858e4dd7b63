// SPDX-License-Identifier: Apache-2.0

/// What conditions and their events say (pkg/kubelet/nodestatus/setters.go, pkg/kubelet/events/event.go).
enum ConditionWords {
    static let signalMissing = "NodekeepSignalMissing"

    /// Reason and message of a pressure condition; nil for Ready, which is worded by role.
    static func pressure(_ type: ConditionType, isTrue: Bool) -> (reason: String, message: String)? {
        switch (type, isTrue) {
        case (.memoryPressure, true): ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
        case (.memoryPressure, false): ("KubeletHasSufficientMemory", "kubelet has sufficient memory available")
        case (.diskPressure, true): ("KubeletHasDiskPressure", "kubelet has disk pressure")
        case (.diskPressure, false): ("KubeletHasNoDiskPressure", "kubelet has no disk pressure")
        case (.pidPressure, true): ("KubeletHasInsufficientPID", "kubelet has insufficient PID available")
        case (.pidPressure, false): ("KubeletHasSufficientPID", "kubelet has sufficient PID available")
        case (.ready, _): nil
        }
    }

    /// The reason of the event that a kubelet sends at this flip; none for Unknown.
    static func event(_ type: ConditionType, _ status: ConditionStatus) -> String? {
        switch (type, status) {
        case (_, .unknown): nil
        case (.memoryPressure, .isTrue): "NodeHasInsufficientMemory"
        case (.memoryPressure, .isFalse): "NodeHasSufficientMemory"
        case (.diskPressure, .isTrue): "NodeHasDiskPressure"
        case (.diskPressure, .isFalse): "NodeHasNoDiskPressure"
        case (.pidPressure, .isTrue): "NodeHasInsufficientPID"
        case (.pidPressure, .isFalse): "NodeHasSufficientPID"
        case (.ready, .isTrue): "NodeReady"
        case (.ready, .isFalse): "NodeNotReady"
        }
    }

    /// `nodefs.available 93Mi is below its threshold 10% (100Mi)`
    static func below(
        _ signal: EvictionSignal, _ amount: SignalAmount, _ threshold: EvictionThreshold, for duration: Duration
    ) -> String {
        let absolute = threshold.absolute(capacity: amount.capacity)
        let (available, limit) = ReadableAmount.pair(amount.available, absolute, inBytes: signal.isInBytes)
        let text: String
        switch threshold.value {
        case .quantity: text = threshold.value.description
        case .fraction: text = "\(threshold.value.description) (\(limit))"
        }
        if threshold.isHard { return "\(signal.rawValue) \(available) is below its threshold \(text)" }
        // To the nearest second: the reading that ends a grace period of 2 s may come after 1.95 s.
        let seconds = GoDuration.format(.seconds((duration + .milliseconds(500)).components.seconds))
        return "\(signal.rawValue) \(available) has been below its soft threshold \(text) for \(seconds)"
    }

    /// `no reading of nodefs.available, nodefs.inodesFree: statfs /: Input/output error`
    static func missing(_ signals: [(signal: EvictionSignal, reason: String)]) -> String {
        var reasons: [String] = []
        for (_, reason) in signals where !reasons.contains(reason) { reasons.append(reason) }
        return reasons.map { reason in
            let names = signals.filter { $0.reason == reason }.map(\.signal.rawValue).joined(separator: ", ")
            return "no reading of \(names): \(reason)"
        }.joined(separator: "; ")
    }
}
