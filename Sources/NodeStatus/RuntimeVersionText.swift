// SPDX-License-Identifier: Apache-2.0

/// A runtime's version as a node's status has it.
///
/// A kubelet parses the version and prints what it has understood (apimachinery/pkg/util/version): a leading `v` is
/// lost, and so is all behind the numbers unless the whole is a semantic version.
enum RuntimeVersionText {
    /// `v2.1.9+unknown` → `2.1.9+unknown`, `1.6.20~ds1` → `1.6.20`; nil for what a kubelet cannot parse.
    static func render(_ text: String) -> String? {
        let trimmed = text.drop { $0.isWhitespace }
        let bare = trimmed.hasPrefix("v") ? trimmed.dropFirst() : trimmed
        let (numbers, rest) = split(bare)
        return semantic(numbers, rest) ?? generic(numbers)
    }

    /// Numbers separated by dots, and what follows them: `1.2.x` is `1.2` and `.x`.
    private static func split(_ text: Substring) -> (numbers: [Substring], rest: Substring) {
        var numbers: [Substring] = []
        var rest = text
        while true {
            let tail = numbers.isEmpty ? rest : rest.hasPrefix(".") ? rest.dropFirst() : ""
            let digits = tail.prefix { $0.isASCII && $0.isNumber }
            if digits.isEmpty { return (numbers, rest) }
            numbers.append(digits)
            rest = tail.dropFirst(digits.count)
        }
    }

    private static func semantic(_ numbers: [Substring], _ rest: Substring) -> String? {
        guard numbers.count == 3, !numbers.contains(where: hasSuperfluousZero),
            let core = rendered(numbers), let extra = pureExtra(rest)
        else { return nil }
        return core + extra
    }

    private static func generic(_ numbers: [Substring]) -> String? {
        guard numbers.count >= 2, let first = numbers.first, !hasSuperfluousZero(first) else { return nil }
        return rendered(numbers)
    }

    private static func rendered(_ numbers: [Substring]) -> String? {
        let values = numbers.compactMap { UInt64($0) }
        return values.count == numbers.count ? values.map(String.init).joined(separator: ".") : nil
    }

    /// `-rc.1+build`: pre-release and build metadata, both optional; nil when there is anything else.
    private static func pureExtra(_ text: Substring) -> String? {
        var rest = text
        while rest.last?.isWhitespace == true { rest.removeLast() }
        var result = ""
        for mark in ["-", "+"] {
            guard rest.hasPrefix(mark) else { continue }
            let part = rest.dropFirst().prefix { isIdentifier($0) || $0 == "." }
            let fields = part.split(separator: ".", omittingEmptySubsequences: false)
            guard fields.allSatisfy({ !$0.isEmpty }) else { return nil }
            if mark == "-", fields.contains(where: { UInt64($0) != nil && hasSuperfluousZero($0) }) { return nil }
            result += mark + part
            rest = rest.dropFirst(1 + part.count)
        }
        return rest.isEmpty ? result : nil
    }

    private static func isIdentifier(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "-")
    }

    private static func hasSuperfluousZero(_ digits: Substring) -> Bool { digits.hasPrefix("0") && digits != "0" }
}
