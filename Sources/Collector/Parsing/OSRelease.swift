// SPDX-License-Identifier: Apache-2.0

/// `PRETTY_NAME` of an os-release file, unquoted as a shell would (os-release(5)); `Linux` where it does not say.
///
/// A line that is not an assignment is passed over; of two assignments the last one counts, as in a shell.
func parsePrettyName(_ text: String) -> String {
    var name: String?
    for line in text.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
        let line = line.drop { $0 == " " || $0 == "\t" }
        guard line.hasPrefix("PRETTY_NAME=") else { continue }
        name = shellUnquoted(line.dropFirst("PRETTY_NAME=".count))
    }
    guard let name, !name.isEmpty else { return "Linux" }
    return name
}

/// One shell word without expansion: `'…'`, `"…"` with backslash before `"$`` and itself, backslash elsewhere.
private func shellUnquoted(_ text: Substring) -> String {
    var result = ""
    var quote: Character?
    var characters = text.makeIterator()
    while let character = characters.next() {
        switch (quote, character) {
        case (nil, "'"), (nil, "\""): quote = character
        case ("'", "'"), ("\"", "\""): quote = nil
        case (nil, "\\"): if let next = characters.next() { result.append(next) }
        case ("\"", "\\"):
            guard let next = characters.next() else { break }
            if !["\"", "\\", "$", "`"].contains(next) { result.append("\\") }
            result.append(next)
        default: result.append(character)
        }
    }
    return trimmed(result)
}

private func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.last?.isWhitespace == true { text.removeLast() }
    while text.first?.isWhitespace == true { text.removeFirst() }
    return String(text)
}
