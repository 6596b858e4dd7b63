// SPDX-License-Identifier: Apache-2.0

/// A piece of HTML. The only way from text to HTML is through `text`, which escapes.
struct HTML {
    private(set) var source: String

    /// Markup written in this program, never anything that came from outside.
    init(trusted: StaticString) {
        source = trusted.description
    }

    private init(source: String) {
        self.source = source
    }

    static let empty = HTML(source: "")

    /// Text from anywhere: the five characters that mean something are escaped, control characters are replaced.
    static func text(_ text: String) -> HTML {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case _ where scalar.value < 0x20 && scalar != "\n" || scalar.value == 0x7f: result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return HTML(source: result)
    }

    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: HTML...
    ) -> HTML {
        element(name, attributes, children)
    }

    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: [HTML]
    ) -> HTML {
        var result = "<\(name)"
        for (key, value) in attributes { result += " \(key)=\"\(text(value).source)\"" }
        result += ">"
        for child in children { result += child.source }
        return HTML(source: result + "</\(name)>")
    }

    static func + (left: HTML, right: HTML) -> HTML {
        HTML(source: left.source + right.source)
    }
}
