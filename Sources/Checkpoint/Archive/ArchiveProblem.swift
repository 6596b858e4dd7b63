// SPDX-License-Identifier: Apache-2.0

/// What keeps a file from being a good checkpoint archive, as a sentence that begins with what was found.
package struct ArchiveProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Names from inside an archive, for messages: short, and without what a terminal or a journal would act on.
func printable(_ text: String, limit: Int = 200) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        if shown.utf8.count >= limit { return shown + "…" }
        shown.unicodeScalars.append(printable(scalar))
    }
    return shown
}

/// U+FFFD in the place of controls, line and paragraph separators and what changes the direction of writing; a space
/// for a tab.
func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.properties.generalCategory {
    case .control: scalar == "\t" ? " " : "\u{fffd}"
    case .format, .lineSeparator, .paragraphSeparator: "\u{fffd}"
    default: scalar
    }
}
