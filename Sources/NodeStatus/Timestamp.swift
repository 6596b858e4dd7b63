// SPDX-License-Identifier: Apache-2.0

/// A point in wall-clock time with nanoseconds, since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var seconds: Int64
    package var nanoseconds: Int32

    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// `metav1.Time`: RFC 3339, UTC, whole seconds (apimachinery/pkg/apis/meta/v1/time.go).
    package var rfc3339: String { civil + "Z" }

    /// `metav1.MicroTime`: RFC 3339, UTC, exactly six fractional digits (apimachinery/pkg/apis/meta/v1/micro_time.go).
    package var rfc3339Micro: String { civil + "." + Self.padded(Int64(nanoseconds) / 1_000, 6) + "Z" }

    /// RFC 3339, UTC, exactly nine fractional digits.
    package var rfc3339Nano: String { civil + "." + Self.padded(Int64(nanoseconds), 9) + "Z" }

    private var civil: String {
        let days = seconds.floorDivided(by: 86_400)
        // Wrapping: at the very ends of Int64 the product alone does not fit, the difference always does.
        let time = seconds &- days &* 86_400
        let (year, month, day) = Self.date(daysSinceEpoch: days)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2) + "T"
            + Self.padded(time / 3_600, 2) + ":" + Self.padded(time / 60 % 60, 2) + ":" + Self.padded(time % 60, 2)
    }

    /// The proleptic Gregorian date of a day count, after Howard Hinnant's `civil_from_days`.
    private static func date(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Beyond the years -9999...9999 nothing is printable; clocks are never there, garbage may be.
        let shifted = min(max(daysSinceEpoch, -4_371_587), 2_932_896) + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value.magnitude)
        let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count))
        return (value < 0 ? "-" : "") + zeros + digits
    }
}

extension Timestamp: Codable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Timestamp(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time in UTC")
        }
        self = value
    }

    /// Parses `YYYY-MM-DDThh:mm:ss[.fraction]Z`; nil for anything else.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int64? {
            guard start + count <= bytes.count else { return nil }
            return bytes[start..<start + count].reduce(Int64?.some(0)) { total, byte in
                guard let total, byte >= 0x30, byte <= 0x39 else { return nil }
                return total * 10 + Int64(byte - 0x30)
            }
        }
        guard bytes.count >= 20, bytes.count <= 30, bytes.last == UInt8(ascii: "Z"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds: Int64 = 0
        if bytes.count > 20 {
            let digits = bytes.count - 21
            guard bytes[19] == UInt8(ascii: "."), digits > 0, digits <= 9, let fraction = number(20, digits) else {
                return nil
            }
            nanoseconds = (digits..<9).reduce(fraction) { value, _ in value * 10 }
        }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.floorDivided(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        self.init(seconds: days * 86_400 + hour * 3_600 + minute * 60 + second, nanoseconds: Int32(nanoseconds))
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        self / divisor - (self % divisor < 0 ? 1 : 0)
    }
}
