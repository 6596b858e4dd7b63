// SPDX-License-Identifier: Apache-2.0

/// An amount of something, as Kubernetes writes it: `3977916Ki`, `3920m`, `1e3`.
///
/// Kept as a whole number of thousand-millionths, which is Kubernetes' own resolution, with the format that it is
/// printed in. Compared by value: `1Gi` equals `1024Mi` and `1073741824`.
/// Source: apimachinery/pkg/api/resource/{quantity,suffix,amount,math}.go.
package struct Quantity: Sendable {
    /// How a quantity is printed. Arithmetic keeps the format of its left side.
    package enum Format: String, Sendable {
        /// `n u m k M G T P E`, powers of ten.
        case decimalSI = "DecimalSI"
        /// `Ki Mi Gi Ti Pi Ei`, powers of 1024.
        case binarySI = "BinarySI"
        /// `e3`, powers of ten.
        case decimalExponent = "DecimalExponent"
    }

    /// 10⁻⁹ units each. Never beyond `±limit`.
    package let nanoUnits: Int128
    package let format: Format

    /// 10²⁹ units. Kubernetes has no limit for decimal quantities; no node has so much of anything, and the sum of two
    /// still does not overflow 128 bits before it is cut off.
    static let limit: Int128 = 100_000_000_000_000_000_000_000_000_000_000_000_000

    static let nanosPerUnit: Int128 = 1_000_000_000

    package init(nanoUnits: Int128, format: Format) {
        self.nanoUnits = min(max(nanoUnits, -Self.limit), Self.limit)
        self.format = format
    }

    /// A number of bytes, printed with binary suffixes: memory, storage, huge pages.
    package init(bytes: UInt64) {
        self.init(nanoUnits: Int128(bytes) * Self.nanosPerUnit, format: .binarySI)
    }

    /// A number of things, printed with decimal suffixes: pods, inodes, processes.
    package init(count: UInt64) {
        self.init(nanoUnits: Int128(count) * Self.nanosPerUnit, format: .decimalSI)
    }

    /// Thousandths, printed with decimal suffixes: CPU.
    package init(milliUnits: UInt64) {
        self.init(nanoUnits: Int128(milliUnits) * (Self.nanosPerUnit / 1_000), format: .decimalSI)
    }

    package static let zero = Quantity(nanoUnits: 0, format: .decimalSI)

    package var isZero: Bool { nanoUnits == 0 }
    package var isNegative: Bool { nanoUnits < 0 }

    /// Kubernetes' `Value()`: whole units, a fraction rounded away from zero; cut off at the ends of Int64.
    package var value: Int64 {
        let (whole, rest) = nanoUnits.quotientAndRemainder(dividingBy: Self.nanosPerUnit)
        return Int64(clamping: whole + Int128(rest.signum()))
    }

    /// The value if it is whole, not negative and fits.
    package var wholeUnits: UInt64? {
        let (whole, rest) = nanoUnits.quotientAndRemainder(dividingBy: Self.nanosPerUnit)
        return rest == 0 ? UInt64(exactly: whole) : nil
    }

    /// Kubernetes' `MilliValue()`: thousandths, rounded away from zero; cut off at the ends of Int64.
    package var milliValue: Int64 {
        let (milli, rest) = nanoUnits.quotientAndRemainder(dividingBy: Self.nanosPerUnit / 1_000)
        return Int64(clamping: milli + Int128(rest.signum()))
    }

    /// Saturates. A zero left side takes the format of the right one (`Quantity.Add`).
    package static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(
            nanoUnits: saturated(left.nanoUnits.addingReportingOverflow(right.nanoUnits), left.nanoUnits),
            format: left.isZero ? right.format : left.format)
    }

    /// Saturates; may be negative. A zero left side takes the format of the right one (`Quantity.Sub`).
    package static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(
            nanoUnits: saturated(left.nanoUnits.subtractingReportingOverflow(right.nanoUnits), left.nanoUnits),
            format: left.isZero ? right.format : left.format)
    }

    /// The sum overflows towards the sign of its left side only.
    private static func saturated(_ result: (partialValue: Int128, overflow: Bool), _ left: Int128) -> Int128 {
        guard result.overflow else { return result.partialValue }
        return left < 0 ? -limit : limit
    }
}

extension Quantity: Hashable, Comparable {
    package static func == (left: Quantity, right: Quantity) -> Bool { left.nanoUnits == right.nanoUnits }
    package static func < (left: Quantity, right: Quantity) -> Bool { left.nanoUnits < right.nanoUnits }
    package func hash(into hasher: inout Hasher) { hasher.combine(nanoUnits) }
}

extension Quantity: CustomStringConvertible {
    /// The canonical text (`Quantity.CanonicalizeBytes`).
    package var description: String {
        if nanoUnits == 0 { return "0" }
        switch format {
        case .binarySI:
            let (whole, rest) = nanoUnits.quotientAndRemainder(dividingBy: Self.nanosPerUnit)
            // Below 1024 and with a fraction, Kubernetes shows decimal rather than rounding.
            return rest == 0 && whole.magnitude >= 1_024 ? Self.binaryText(whole) : decimalText(exponential: false)
        case .decimalSI:
            return decimalText(exponential: false)
        case .decimalExponent:
            return decimalText(exponential: true)
        }
    }

    private static func binaryText(_ whole: Int128) -> String {
        var (number, power) = (whole, 0)
        while power < QuantitySuffix.binary.count, number % 1_024 == 0 {
            number /= 1_024
            power += 1
        }
        return String(number) + (power == 0 ? "" : QuantitySuffix.binary[power - 1])
    }

    private func decimalText(exponential: Bool) -> String {
        // In steps of 1000 from the smallest unit up: the exponent is a multiple of three from the start. Where there
        // is no larger suffix (beyond E), the number grows instead.
        var (number, power) = (nanoUnits, 0)
        let largest = exponential ? Int.max : QuantitySuffix.decimal.count - 1
        while power < largest, number % 1_000 == 0 {
            number /= 1_000
            power += 1
        }
        guard exponential else { return String(number) + QuantitySuffix.decimal[power] }
        let exponent = power * 3 - 9
        return String(number) + (exponent == 0 ? "" : "e\(exponent)")
    }
}

extension Quantity: Codable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try Quantity(parsing: try container.decode(String.self))
        } catch let error as QuantityError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }
}

enum QuantitySuffix {
    /// 10⁻⁹ and up in steps of 1000.
    static let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    /// 1024 and up in steps of 1024.
    static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
}
