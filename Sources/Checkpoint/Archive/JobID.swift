// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// The name of a job: `20261121t061233-4f9a2c1b`, the UTC second it was accepted in and 32 random bits.
///
/// It names a directory and a file, so that nothing is taken for one which is not exactly of this shape.
package struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let description: String

    /// The seconds beyond which a year has more than four digits.
    private static let seconds: ClosedRange<Int64> = 0...253_402_300_799

    package init(time: Timestamp, random: UInt32) {
        let second = min(max(time.seconds, Self.seconds.lowerBound), Self.seconds.upperBound)
        // `2026-11-21T06:12:33Z` without its punctuation.
        let digits = Timestamp(seconds: second).rfc3339.lowercased().filter { $0 != "-" && $0 != ":" && $0 != "z" }
        let hex = String(random, radix: 16)
        description = digits + "-" + String(repeating: "0", count: 8 - hex.utf8.count) + hex
    }

    package static func make(time: Timestamp) -> JobID {
        JobID(time: time, random: .random(in: .min ... .max))
    }

    /// Nil for anything that ``init(time:random:)`` does not make.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 24, bytes[8] == UInt8(ascii: "t"), bytes[15] == UInt8(ascii: "-") else { return nil }
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        let time = "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z"
        guard let second = Timestamp(rfc3339: time), let random = UInt32(part(16..<24), radix: 16) else { return nil }
        let made = JobID(time: second, random: random)
        // What is written in another way (upper case, a sign, the 31st of February) is not that one.
        guard made.description == text else { return nil }
        self = made
    }

    /// The earlier job first; within one second in no particular order.
    package static func < (left: JobID, right: JobID) -> Bool { left.description < right.description }
}
