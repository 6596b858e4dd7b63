// SPDX-License-Identifier: Apache-2.0

/// A set of CPU numbers in the kernel's list format: `0-3,8`.
struct CPUSet: Equatable {
    /// Ascending, apart from each other.
    private(set) var ranges: [ClosedRange<UInt64>] = []

    var count: UInt64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) + 1 } }

    /// Nil for anything else than the list format. Ranges are merged rather than counted out: a hostile list could
    /// name the same thousands of CPUs again and again.
    init?(_ text: String) {
        var parsed: [ClosedRange<UInt64>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = ends.first.flatMap(Self.number),
                let last = ends.last.flatMap(Self.number),
                first <= last
            else { return nil }
            parsed.append(first...last)
        }
        for range in parsed.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let previous = ranges.last, range.lowerBound <= previous.upperBound + 1 {
                ranges[ranges.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    var description: String {
        ranges.map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt64(text),
            value <= Limits.cpu
        else { return nil }
        return value
    }
}
