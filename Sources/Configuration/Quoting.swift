// SPDX-License-Identifier: Apache-2.0

/// The text in quotes for one line of an error message: control characters escaped, cut when it is long. What it
/// quotes came from a file that may hold anything.
func quoted(_ text: String) -> String {
    var result = "\""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == 80 { return result + "…\"" }
        count += 1
        switch scalar {
        case "\"", "\\": result += "\\" + String(scalar)
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        default:
            let isControl =
                scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028
                || scalar.value == 0x2029 || (0x202a...0x202e).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
            result += isControl ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
        }
    }
    return result + "\""
}
