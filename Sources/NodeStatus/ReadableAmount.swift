// SPDX-License-Identifier: Apache-2.0

/// Amounts in messages: short rather than exact, rounded down.
package enum ReadableAmount {
    /// `93Mi`, `9.6Gi`, `512`: the largest binary unit, with one decimal below ten.
    package static func bytes(_ bytes: UInt64) -> String {
        var (unit, power): (UInt64, Int) = (1, 0)
        while power < QuantitySuffix.binary.count, bytes / unit >= 1_024 {
            unit *= 1_024
            power += 1
        }
        guard power > 0 else { return String(bytes) }
        let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit)
        // At most 10 × 2⁶⁰, which fits.
        let tenth = rest * 10 / unit
        let decimal = whole < 10 && tenth > 0 ? ".\(tenth)" : ""
        return "\(whole)\(decimal)\(QuantitySuffix.binary[power - 1])"
    }

    /// Both in short, or both exactly where the short texts would be the same.
    static func pair(_ first: UInt64, _ second: UInt64, inBytes: Bool) -> (String, String) {
        guard inBytes else { return (String(first), String(second)) }
        let short = (bytes(first), bytes(second))
        return short.0 == short.1 && first != second ? (String(first), String(second)) : short
    }
}
