// SPDX-License-Identifier: Apache-2.0

/// One thing in a file of this room that is not allowed; its description is one line. It never holds a token.
package struct AccessProblem: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    /// 1 is the first.
    package var line: Int?
    /// `rules[2].verbs`; empty where the file itself is the problem.
    package var field: String
    package var explanation: String

    init(_ file: String, line: Int? = nil, field: String = "", _ explanation: String) {
        self.file = file
        self.line = line
        self.field = field
        self.explanation = explanation
    }

    package var description: String {
        var text = line.map { "\(file):\($0): " } ?? "\(file): "
        if !field.isEmpty { text += "\(field): " }
        return text + explanation
    }
}

/// All that was found in one file, or in all of them: never empty, and never so many that they fill a log.
package struct AccessProblems: Error, Equatable, Sendable, CustomStringConvertible {
    package static let maximum = 50

    package private(set) var all: [AccessProblem]

    init(_ all: [AccessProblem]) {
        self.all = all
        if all.count > Self.maximum {
            let rest = AccessProblem(all[Self.maximum].file, "more than \(Self.maximum) problems, no more are shown")
            self.all = Array(all.prefix(Self.maximum)) + [rest]
        }
    }

    package var description: String { all.map(\.description).joined(separator: "\n") }
}
