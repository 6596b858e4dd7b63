// SPDX-License-Identifier: Apache-2.0

/// A text that is not what it has to be, worded for the operator who wrote it.
///
/// `description` says what was wrong with which text and what is allowed; whoever knows the field puts its name in
/// front: `evictionHard: memory.available: "12Q" is not a quantity: …`.
package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text as it was given, cut if it is very long.
    package let text: String
    /// What it should have been, with its article: `a quantity`.
    package let expected: String
    /// What is wrong with it.
    package let problem: String
    /// What is allowed; empty when `problem` says it all.
    package let allowed: String

    package init(_ text: String, isNot expected: String, problem: String, allowed: String = "") {
        // Enough to recognise it by; a log line is not the place for a megabyte of somebody's mistake.
        let isShort = text.utf8.count <= 256
        self.text = isShort ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(128))) + "…"
        self.expected = expected
        self.problem = problem.onOneLine
        self.allowed = allowed
    }

    package var description: String {
        "\"\(text.onOneLine)\" is not \(expected): \(problem)" + (allowed.isEmpty ? "" : "; allowed: \(allowed)")
    }
}

extension String {
    /// With everything escaped that would end a line of a log, or change how it is shown.
    fileprivate var onOneLine: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
