// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// What the node has for pods, and what of it is reserved.
    mutating func resolveResources(_ reader: ValueReader) {
        // Zero is "not set" to a kubelet (pkg/kubelet/apis/config/v1beta1/defaults.go).
        if let given = reader.int("maxPods", Limits.maxPods), given > 0 { node.maxPods = UInt64(given) }
        if let given = reader.int("podsPerCore", Limits.maxPods) { node.podsPerCore = UInt64(given) }
        node.systemReserved = reservation("systemReserved", reader)
        node.kubeReserved = reservation("kubeReserved", reader)
        if let (text, origin) = reader.text("reservedSystemCPUs"), !text.isEmpty {
            if let set = CPUSet(text) {
                reservedSystemCPUs = set.description
                node.reservedSystemCPUs = set.count
            } else {
                reader.findings.refuse(
                    origin, text, "a list of CPUs and ranges of them from 0 to \(Limits.cpu), such as 0-3,8")
            }
        }
    }

    private func reservation(_ field: String, _ reader: ValueReader) -> [ReservedResource: Quantity] {
        var reserved: [ReservedResource: Quantity] = [:]
        for (key, value, origin) in reader.texts(field) ?? [] {
            do throws(SyntaxError) {
                let (resource, quantity) = try ReservedResource.parse(resource: key, quantity: value)
                reserved[resource] = quantity
            } catch {
                reader.refuse(origin, error.text, error)
            }
        }
        return reserved
    }

    /// The kubelet's rules: any evictionHard replaces all defaults unless they are to be merged, every soft threshold
    /// has a grace period, `0%` and `100%` turn a signal off.
    mutating func resolveThresholds(_ reader: ValueReader) {
        let reclaim = minimumReclaims(reader)
        let graces = gracePeriods(reader)
        var hard: [EvictionSignal: EvictionThreshold] = [:]
        let given = reader.texts("evictionHard")
        if given == nil || reader.bool("mergeDefaultEvictionSettings") == true {
            for threshold in EvictionThresholds.defaults { hard[threshold.signal] = threshold }
        }
        for (key, value, origin) in given ?? [] {
            guard let signal = signal(key, value, origin, reader) else { continue }
            hard[signal] = threshold(signal, value, nil, origin, reader)
        }
        var soft: [EvictionSignal: EvictionThreshold] = [:]
        for (key, value, origin) in reader.texts("evictionSoft") ?? [] {
            guard let signal = signal(key, value, origin, reader) else { continue }
            let grace = graces[signal]
            if grace == nil {
                reader.findings.refuse(
                    origin, value, "every soft threshold needs a duration in evictionSoftGracePeriod[\(quoted(key))]")
            }
            // Nil where the grace was given and wrong: that has been reported.
            guard let grace = grace ?? nil else { continue }
            soft[signal] = threshold(signal, value, grace, origin, reader)
        }
        for signal in reclaim.keys {
            hard[signal]?.minimumReclaim = reclaim[signal]
            soft[signal]?.minimumReclaim = reclaim[signal]
        }
        node.evictionHard = EvictionSignal.allCases.compactMap { hard[$0] }
        node.evictionSoft = EvictionSignal.allCases.compactMap { soft[$0] }
    }

    private func minimumReclaims(_ reader: ValueReader) -> [EvictionSignal: EvictionThreshold.Value] {
        var reclaims: [EvictionSignal: EvictionThreshold.Value] = [:]
        for (key, value, origin) in reader.texts("evictionMinimumReclaim") ?? [] {
            guard let signal = signal(key, value, origin, reader) else { continue }
            do throws(SyntaxError) {
                reclaims[signal] = try EvictionThreshold.parseMinimumReclaim(value, signal: signal)
            } catch {
                reader.refuse(origin, value, error)
            }
        }
        return reclaims
    }

    /// A nil inside: given, but wrong.
    private func gracePeriods(_ reader: ValueReader) -> [EvictionSignal: Duration?] {
        var graces: [EvictionSignal: Duration?] = [:]
        for (key, value, origin) in reader.texts("evictionSoftGracePeriod") ?? [] {
            guard let signal = signal(key, value, origin, reader) else { continue }
            let grace = try? GoDuration.parse(value)
            let isAllowed = grace.map { $0 >= .zero && $0 <= FieldShape.longest } ?? false
            if !isAllowed { reader.findings.refuse(origin, value, FieldShape.upToAYear.allowed) }
            graces.updateValue(isAllowed ? grace : nil, forKey: signal)
        }
        return graces
    }

    private func signal(_ key: String, _ value: String, _ origin: Origin, _ reader: ValueReader) -> EvictionSignal? {
        if let signal = EvictionSignal(rawValue: key) { return signal }
        let all = EvictionSignal.allCases.map(\.rawValue)
        let nearest = Spelling.nearest(to: key, among: all).map { "did you mean \($0)? " } ?? ""
        reader.findings.refuse(
            origin, nil, "there is no eviction signal of this name; \(nearest)allowed: \(all.joined(separator: ", "))")
        return nil
    }

    private func threshold(
        _ signal: EvictionSignal, _ value: String, _ grace: Duration?, _ origin: Origin, _ reader: ValueReader
    ) -> EvictionThreshold? {
        do throws(SyntaxError) {
            return try EvictionThreshold.parse(signal: signal.rawValue, value: value, grace: grace)
        } catch {
            reader.refuse(origin, value, error)
            return nil
        }
    }

    /// Zero is "not set" to a kubelet, for each of the four.
    mutating func resolvePeriods(_ reader: ValueReader) {
        func given(_ name: String) -> Duration? { reader.duration(name).flatMap { $0 > .zero ? $0 : nil } }
        node.pressureTransitionPeriod =
            given("evictionPressureTransitionPeriod") ?? node.pressureTransitionPeriod
        for condition in [ConditionType.memoryPressure, .diskPressure, .pidPressure] {
            let name = "evictionPressureTransitionPeriods.\(condition.rawValue)"
            node.pressureTransitionPeriods[condition] = reader.duration(name)
        }
        runtimeRequestTimeout = given("runtimeRequestTimeout") ?? runtimeRequestTimeout
        if let images = reader.int("nodeStatusMaxImages", Limits.statusImages) { node.statusMaxImages = Int(images) }
        let update = given("nodeStatusUpdateFrequency")
        statusUpdateFrequency = update ?? statusUpdateFrequency
        node.statusReportFrequency = given("nodeStatusReportFrequency") ?? update ?? node.statusReportFrequency
    }
}
