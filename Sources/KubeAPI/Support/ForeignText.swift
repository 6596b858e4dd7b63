// SPDX-License-Identifier: Apache-2.0

/// Text from elsewhere, made fit for one line of a log or of an error.
package enum ForeignText {
    /// White space becomes single spaces, control characters and what turns the direction of writing become `\u{…}`,
    /// and what is longer than so many characters (Unicode scalars) is cut.
    package static func line(_ text: String, limit: Int = 256) -> String {
        var result = ""
        var count = 0
        var isAfterSpace = true
        for scalar in text.unicodeScalars {
            if scalar == " " || (0x09...0x0d).contains(scalar.value) {
                if !isAfterSpace { result += " " }
                isAfterSpace = true
            } else {
                result += isHarmless(scalar) ? String(scalar) : "\\u{" + String(scalar.value, radix: 16) + "}"
                isAfterSpace = false
            }
            count += 1
            if count >= limit { return result + "…" }
        }
        return result.last == " " ? String(result.dropLast()) : result
    }

    /// A text that has nothing in it which would have to be escaped.
    package static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(isHarmless)
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: false
        default: true
        }
    }
}
