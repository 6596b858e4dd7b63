// SPDX-License-Identifier: Apache-2.0

/// A limit on a signal: met while less than this is available, strictly (pkg/kubelet/eviction/helpers.go).
package struct EvictionThreshold: Equatable, Sendable {
    /// A quantity, or a fraction of the signal's capacity.
    package enum Value: Equatable, Sendable {
        case quantity(Quantity)
        /// 0...1. A 32-bit float, because the kubelet's is one and allocatable has to agree with it to the byte.
        case fraction(Float)
    }

    package var signal: EvictionSignal
    package var value: Value
    /// How long it has to be met before it counts. Nil (or zero, as in the kubelet): a hard threshold.
    package var grace: Duration?
    /// How much more than the threshold has to be available before it no longer counts.
    package var minimumReclaim: Value?

    package init(signal: EvictionSignal, value: Value, grace: Duration? = nil, minimumReclaim: Value? = nil) {
        self.signal = signal
        self.value = value
        self.grace = grace
        self.minimumReclaim = minimumReclaim
    }

    /// A soft threshold with a grace period of zero is a hard one, as in the kubelet.
    package var isHard: Bool { grace.map { $0 <= .zero } ?? true }

    /// The threshold in bytes, inodes or tasks.
    package func absolute(capacity: UInt64) -> UInt64 { value.absolute(capacity: capacity) }

    /// What has to be available before it no longer counts, once it did.
    package func absoluteToRecover(capacity: UInt64) -> UInt64 {
        let (sum, overflow) = absolute(capacity: capacity).addingReportingOverflow(
            minimumReclaim?.absolute(capacity: capacity) ?? 0)
        return overflow ? .max : sum
    }

    /// Parses one entry of `evictionHard` or, with a grace period, of `evictionSoft`.
    ///
    /// - Returns: Nil for `0%` and `100%`, which switch the signal off.
    /// - Throws: `SyntaxError` naming the signal or the value, and what is allowed.
    package static func parse(
        signal: String, value: String, grace: Duration? = nil, minimumReclaim: String? = nil
    ) throws(SyntaxError) -> EvictionThreshold? {
        guard let known = EvictionSignal(rawValue: signal) else {
            throw SyntaxError(
                signal, isNot: "an eviction signal", problem: "there is none of that name",
                allowed: EvictionSignal.allCases.map(\.rawValue).joined(separator: ", "))
        }
        if let grace, grace < .zero {
            throw SyntaxError(
                GoDuration.format(grace), isNot: "a grace period for \(signal)", problem: "it is negative",
                allowed: "0 or longer")
        }
        let reclaim = try minimumReclaim.map { (text) throws(SyntaxError) in
            try parseMinimumReclaim(text, signal: known)
        }
        guard let value = try parseValue(value, signal: known) else { return nil }
        return EvictionThreshold(signal: known, value: value, grace: grace, minimumReclaim: reclaim)
    }

    private static func parseValue(_ text: String, signal: EvictionSignal) throws(SyntaxError) -> Value? {
        let expected = "a threshold for \(signal.rawValue)"
        guard text.hasSuffix("%") else {
            let quantity = try Quantity(parsing: text)
            guard quantity > .zero else {
                throw SyntaxError(text, isNot: expected, problem: "it is not above zero", allowed: allowedValues)
            }
            return .quantity(quantity)
        }
        if text == "0%" || text == "100%" { return nil }
        guard let fraction = fraction(text), fraction >= 0, fraction <= 1 else {
            throw SyntaxError(text, isNot: expected, problem: "it is not from 0% to 100%", allowed: allowedValues)
        }
        return .fraction(fraction)
    }

    /// Parses one entry of `evictionMinimumReclaim`.
    package static func parseMinimumReclaim(_ text: String, signal: EvictionSignal) throws(SyntaxError) -> Value {
        let expected = "a minimum reclaim for \(signal.rawValue)"
        if text.hasSuffix("%") {
            guard let fraction = fraction(text), fraction > 0, fraction <= 1 else {
                throw SyntaxError(
                    text, isNot: expected, problem: "it is not above 0% and up to 100%", allowed: allowedValues)
            }
            return .fraction(fraction)
        }
        let quantity = try Quantity(parsing: text)
        guard !quantity.isNegative else {
            throw SyntaxError(text, isNot: expected, problem: "it is negative", allowed: allowedValues)
        }
        return .quantity(quantity)
    }

    private static let allowedValues = "a quantity such as 100Mi, or a percentage such as 10%"

    /// All trailing `%` are cut, as there; what Go's and Swift's float parsers would read beyond decimal numbers
    /// (`nan`, `inf`, hexadecimal) is not a percentage.
    private static func fraction(_ text: String) -> Float? {
        var number = text[...]
        while number.hasSuffix("%") { number.removeLast() }
        let isPlain = number.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        guard isPlain, let percent = Float(number) else { return nil }
        return percent / 100
    }
}

extension EvictionThreshold.Value {
    /// In bytes, inodes or tasks. A fraction is trunc(float64(capacity) × float64(float32)), as in the kubelet, so that
    /// 10% of 103865303040 is 10386530458.
    package func absolute(capacity: UInt64) -> UInt64 {
        switch self {
        case .quantity(let quantity):
            return UInt64(clamping: quantity.value)
        case .fraction(let fraction):
            let product = Double(capacity) * Double(fraction)
            guard product > 0 else { return 0 }
            // 2⁶⁴ as a Double: what is below it converts.
            return product < 18_446_744_073_709_551_616 ? UInt64(product) : .max
        }
    }
}

extension EvictionThreshold.Value: CustomStringConvertible {
    /// `100Mi`, `10%`, `2.5%`.
    package var description: String {
        switch self {
        case .quantity(let quantity):
            return quantity.description
        case .fraction(let fraction):
            // To a ten-thousandth of a per cent: what a 32-bit float can tell, without its noise (15.000001%).
            let tenThousandths = (Double(fraction) * 1_000_000).rounded()
            guard tenThousandths.magnitude < 1e15 else { return "\(fraction)" }
            let (percent, rest) = Int64(tenThousandths).quotientAndRemainder(dividingBy: 10_000)
            guard rest != 0 else { return "\(percent)%" }
            var digits = String(String(10_000 + rest.magnitude).dropFirst())
            while digits.hasSuffix("0") { digits.removeLast() }
            return "\(percent).\(digits)%"
        }
    }
}
