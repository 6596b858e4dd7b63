// SPDX-License-Identifier: Apache-2.0

extension Unicode.Scalar {
    /// A control character, or one that changes how the text around it is shown.
    var isUnprintable: Bool {
        switch value {
        case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }
}

/// The text in quotes for one line of a message: unprintable characters escaped, cut when it is long. What it quotes
/// came from a certificate, a file or a server that may have sent anything.
func quoted(_ text: String, limit: Int = 80) -> String { "\"" + printable(text, limit: limit) + "\"" }

/// The same without the quotes around it, for a whole sentence of somebody else's.
func printable(_ text: String, limit: Int = 200) -> String {
    var result = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == limit { return result + "…" }
        if scalar == "\"" || scalar == "\\" {
            result += "\\"
            result.unicodeScalars.append(scalar)
        } else if scalar.isUnprintable {
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}
