// SPDX-License-Identifier: Apache-2.0

/// What the kubelet takes of the root memory cgroup (node-status facts, 3.1), in bytes.
struct MemoryCgroup: Equatable {
    var usage: UInt64
    var inactiveFile: UInt64
    var rss: UInt64
    var pageFaults: UInt64
    var majorPageFaults: UInt64

    /// v2: usage is `anon` + `file` of the root's memory.stat.
    init(version2Stat text: TextCursor, name: String) throws(SourceFailure) {
        let values = try Self.values(
            text, name: name, keys: ("anon", "file", "inactive_file", "pgfault", "pgmajfault"))
        usage = values[0].clampedSum(values[1])
        inactiveFile = values[2]
        rss = values[0]
        pageFaults = values[3]
        majorPageFaults = values[4]
    }

    /// v1: usage is `memory.usage_in_bytes`; the `total_` rows of memory.stat count the children too.
    init(version1Stat text: TextCursor, usage: UInt64, name: String) throws(SourceFailure) {
        let values = try Self.values(
            text, name: name,
            keys: ("total_rss", "total_inactive_file", "total_pgfault", "total_pgmajfault", "total_pgfault"))
        self.usage = usage
        rss = values[0]
        inactiveFile = values[1]
        pageFaults = values[2]
        majorPageFaults = values[3]
    }

    private typealias Keys = (StaticString, StaticString, StaticString, StaticString, StaticString)

    private static func values(
        _ text: TextCursor, name: String, keys: Keys
    ) throws(SourceFailure) -> InlineArray<5, UInt64> {
        var values = InlineArray<5, UInt64>(repeating: 0)
        var found = InlineArray<5, Bool>(repeating: false)
        let names: InlineArray<5, StaticString> = [keys.0, keys.1, keys.2, keys.3, keys.4]
        var text = text
        while var line = text.line() {
            guard let key = line.word() else { continue }
            for index in 0..<5 where key.equals(names[index]) {
                var rest = line
                guard let value = rest.wholeNumber() else {
                    throw .failed("parse \(name): \(names[index]) is not a number")
                }
                values[index] = value
                found[index] = true
            }
        }
        for index in 0..<5 where !found[index] { throw .failed("parse \(name): no \(names[index])") }
        return values
    }
}

/// A file that holds one number.
func parseNumber(_ text: TextCursor, name: String) throws(SourceFailure) -> UInt64 {
    var text = text
    guard var line = text.line(), let value = line.wholeNumber(), text.isAtEnd else {
        throw .failed("parse \(name): not a number")
    }
    return value
}

/// `usage_usec` of a v2 cpu.stat, in nanoseconds.
func parseCPUStat(_ text: TextCursor, name: String) throws(SourceFailure) -> UInt64 {
    var text = text
    while var line = text.line() {
        if line.take("usage_usec"), let value = line.wholeNumber() { return value.clampedProduct(1_000) }
    }
    throw .failed("parse \(name): no usage_usec")
}
