// SPDX-License-Identifier: Apache-2.0

/// Durations as Go's `time` package reads and prints them, which is what Kubernetes' configuration files hold.
package enum GoDuration {
    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Parses `1m30s`, `1.5h`, `300ms`, `0`, `-5s` (time.ParseDuration). Finer than a nanosecond is cut off.
    ///
    /// Whether a negative one makes sense is the caller's to say.
    ///
    /// - Throws: `SyntaxError` naming the text, what is wrong with it and what is allowed; beyond 292 years as well.
    package static func parse(_ text: String) throws(SyntaxError) -> Duration {
        var scanner = ByteScanner(text)
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }
        if scanner.rest == "0" { return .zero }
        guard !scanner.isAtEnd else { throw error(text, "there is no number") }

        var total: UInt64 = 0
        while !scanner.isAtEnd {
            let nanoseconds = try component(&scanner, of: text)
            let (sum, overflow) = total.addingReportingOverflow(nanoseconds)
            guard !overflow, sum <= UInt64(Int64.max) else { throw error(text, "it is longer than 292 years") }
            total = sum
        }
        let value = Int64(clamping: total)
        return .nanoseconds(isNegative ? -value : value)
    }

    /// One number with its unit.
    private static func component(_ scanner: inout ByteScanner, of text: String) throws(SyntaxError) -> UInt64 {
        var whole: UInt64 = 0
        var overflow = false
        let wholeCount = scanner.digits { digit in
            let (product, tooBig) = whole.multipliedReportingOverflow(by: 10)
            let (sum, tooBigStill) = product.addingReportingOverflow(UInt64(digit))
            overflow = overflow || tooBig || tooBigStill
            whole = sum
        }
        // Fraction digits beyond the eighteenth are below a nanosecond of an hour.
        var (fraction, scale): (UInt64, UInt64) = (0, 1)
        var fractionCount = 0
        if scanner.skip(".") {
            fractionCount = scanner.digits { digit in
                guard scale < 1_000_000_000_000_000_000 else { return }
                fraction = fraction * 10 + UInt64(digit)
                scale *= 10
            }
        }
        guard wholeCount + fractionCount > 0 else { throw error(text, "there is no number before \"\(scanner.rest)\"") }
        let name = scanner.text { $0 != UInt8(ascii: ".") && !(0x30...0x39).contains($0) }
        guard let unit = units.first(where: { $0.name == name }) else {
            throw error(text, name.isEmpty ? "a number has no unit" : "\"\(name)\" is no unit")
        }
        let (nanoseconds, tooBig) = whole.multipliedReportingOverflow(by: unit.nanoseconds)
        let part = scale.dividingFullWidth(fraction.multipliedFullWidth(by: unit.nanoseconds)).quotient
        let (sum, tooBigStill) = nanoseconds.addingReportingOverflow(part)
        guard !overflow, !tooBig, !tooBigStill else { throw error(text, "it is longer than 292 years") }
        return sum
    }

    private static func error(_ text: String, _ problem: String) -> SyntaxError {
        SyntaxError(
            text, isNot: "a duration", problem: problem,
            allowed: "numbers with the units ns, us, ms, s, m, h, such as 1m30s or 1.5h, or 0")
    }

    /// Prints `5m0s`, `1h0m0s`, `100ms`, `1.5s`, `0s` (time.Duration.String). Finer than a nanosecond is cut off, and so
    /// is what is beyond 292 years.
    package static func format(_ duration: Duration) -> String {
        let nanoseconds = wholeNanoseconds(duration)
        let sign = nanoseconds < 0 ? "-" : ""
        let value = nanoseconds.magnitude
        if value == 0 { return "0s" }
        if value < 1_000 { return "\(sign)\(value)ns" }
        if value < 1_000_000 { return sign + decimal(value, unit: 1_000) + "µs" }
        if value < 1_000_000_000 { return sign + decimal(value, unit: 1_000_000) + "ms" }
        let minutes = value / 60_000_000_000
        let seconds = decimal(value % 60_000_000_000, unit: 1_000_000_000) + "s"
        if minutes == 0 { return sign + seconds }
        if minutes < 60 { return "\(sign)\(minutes)m\(seconds)" }
        return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
    }

    /// Saturates at the ends of Int64.
    package static func wholeNanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (product, tooBig) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooBigStill) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard tooBig || tooBigStill else { return sum }
        return seconds < 0 ? .min : .max
    }

    /// `value / unit` with the fraction's trailing zeros left out; `unit` is a power of ten.
    private static func decimal(_ value: UInt64, unit: UInt64) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        guard rest != 0 else { return String(whole) }
        var fraction = String(String(unit + rest).dropFirst())
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
