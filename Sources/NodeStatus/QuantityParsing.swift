// SPDX-License-Identifier: Apache-2.0

package typealias QuantityError = SyntaxError

extension Quantity {
    /// Parses what Kubernetes accepts: sign, digits with a fraction, then a decimal suffix (`n u m k M G T P E`), a
    /// binary one (`Ki … Ei`) or a decimal exponent (`e3`, `E-2`).
    ///
    /// As there, what is finer than 10⁻⁹ is rounded away from zero (who asks for something gets something), binary
    /// quantities are cut off at 2⁶³−1, and a binary one between 0 and 1 becomes decimal. Decimal ones are cut off at
    /// 10²⁹. Unlike there, a text without any digit (`Ki`, `-`) is refused rather than taken for 0.
    ///
    /// - Throws: `QuantityError` naming the text, what is wrong with it and what is allowed.
    package init(parsing text: String) throws(QuantityError) {
        var scanner = ByteScanner(text)
        guard text.utf8.count <= 256 else { throw Self.error(text, "it is longer than 256 characters") }
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }

        var digits = Digits()
        let wholeCount = scanner.digits { digits.append($0) }
        var fractionCount = 0
        if scanner.skip(".") { fractionCount = scanner.digits { digits.append($0) } }
        guard wholeCount + fractionCount > 0 else {
            throw Self.error(text, text.isEmpty ? "it is empty" : "there is no digit where the number should be")
        }

        let suffix = scanner.rest
        let amount: UInt128
        var format: Format
        if let power = QuantitySuffix.decimal.firstIndex(of: suffix) {
            format = .decimalSI
            amount = digits.times(tenTo: power * 3 - fractionCount)
        } else if let power = QuantitySuffix.binary.firstIndex(of: suffix) {
            format = .binarySI
            let largest = UInt128(Int64.max) * UInt128(Self.nanosPerUnit)
            amount = min(digits.times(twoTo: (power + 1) * 10, tenTo: 9 - fractionCount), largest)
            if amount > 0, amount < UInt128(Self.nanosPerUnit) { format = .decimalSI }
        } else if let exponent = Self.exponent(suffix) {
            format = .decimalExponent
            amount = digits.times(tenTo: exponent + 9 - fractionCount)
        } else {
            throw Self.error(text, "it ends in \"\(suffix)\"")
        }
        let magnitude = Int128(clamping: amount)
        self.init(nanoUnits: isNegative ? -magnitude : magnitude, format: format)
    }

    /// The value of `e3`, `E-2`; nil for anything else. Far beyond what can be told apart, it stands still.
    private static func exponent(_ suffix: String) -> Int? {
        var scanner = ByteScanner(suffix)
        guard scanner.skip("e") || scanner.skip("E") else { return nil }
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }
        var value = 0
        guard scanner.digits({ value = min(value * 10 + Int($0), 10_000) }) > 0, scanner.isAtEnd else { return nil }
        return isNegative ? -value : value
    }

    private static func error(_ text: String, _ problem: String) -> QuantityError {
        QuantityError(
            text, isNot: "a quantity", problem: problem,
            allowed: "a number, then nothing or one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent such as e3")
    }
}

/// The digits of a number, at most 37 significant ones: `mantissa` × 10^`exponent`, and whether more followed that were
/// not zero.
private struct Digits {
    private var mantissa: UInt128 = 0
    private var dropped = 0
    private var isInexact = false

    private static let mostDigits: UInt128 = powerOfTen(36)

    mutating func append(_ digit: UInt8) {
        if mantissa < Self.mostDigits {
            mantissa = mantissa * 10 + UInt128(digit)
        } else {
            dropped += 1
            if digit != 0 { isInexact = true }
        }
    }

    /// mantissa × 10^power, rounded up; cut off at the limit of a quantity.
    func times(tenTo power: Int) -> UInt128 { times(twoTo: 0, tenTo: power) }

    /// mantissa × 2^binary × 10^power, rounded up; cut off at the limit of a quantity. `binary` is 0...60.
    func times(twoTo binary: Int, tenTo power: Int) -> UInt128 {
        let limit = UInt128(Quantity.limit)
        guard mantissa > 0 else { return 0 }
        let power = power + dropped
        let factor = UInt128(1) << UInt128(binary)
        if power >= 0 {
            guard power <= 38 else { return limit }
            let (scaled, tooBig) = mantissa.multipliedReportingOverflow(by: factor)
            let (result, tooBigStill) = scaled.multipliedReportingOverflow(by: powerOfTen(power))
            guard !tooBig, !tooBigStill, result < limit else { return limit }
            return result + (isInexact ? 1 : 0)
        }
        // Below zero: whole part and remainder apart, so that the factor cannot overflow what fits in the end.
        guard power >= -76 else { return 1 }
        let first = powerOfTen(min(-power, 38))
        let (whole, rest) = mantissa.quotientAndRemainder(dividingBy: first)
        let (scaledWhole, tooBig) = whole.multipliedReportingOverflow(by: factor)
        guard !tooBig, scaledWhole < limit else { return limit }
        let product = rest.multipliedFullWidth(by: factor)
        // `rest` is below `first`, so the quotient is below `factor` and fits.
        let (scaledRest, remainder) = first.dividingFullWidth(product)
        var result = scaledWhole + scaledRest
        var isInexact = isInexact || remainder != 0
        if power < -38 {
            let (quotient, remainder) = result.quotientAndRemainder(dividingBy: powerOfTen(-power - 38))
            result = quotient
            isInexact = isInexact || remainder != 0
        }
        return min(result + (isInexact ? 1 : 0), limit)
    }
}

/// 10^power for 0...38, which is what 128 bits hold.
private func powerOfTen(_ power: Int) -> UInt128 {
    var result: UInt128 = 1
    for _ in 0..<max(0, min(power, 38)) { result *= 10 }
    return result
}
