// SPDX-License-Identifier: Apache-2.0

/// One thing in the configuration that is not allowed; its description is one line.
package struct ConfigurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// `maxPods`, `evictionHard["memory.available"]`, `--node-ip`; empty when the file is no YAML at all.
    package var field: String
    /// As it was written; nil where the field itself is the problem.
    package var value: String?
    /// What is wrong, or what is allowed.
    package var explanation: String
    /// Nil for a flag.
    package var file: String?
    package var line: Int?

    package var description: String {
        var text = ""
        if let file { text += line.map { "\(file):\($0): " } ?? "\(file): " }
        if !field.isEmpty { text += "\(field): " }
        if let value { text += "\(quoted(value)) is not allowed: " }
        return text + explanation
    }
}

/// Where a value came from, for the message about it.
struct Origin: Equatable {
    var field: String
    /// Nil: not from the file.
    var line: Int?

    static func flag(_ name: String) -> Origin { Origin(field: name, line: nil) }

    func key(_ key: String, line: Int) -> Origin { Origin(field: "\(field)[\(quoted(key))]", line: line) }
}

/// All that was found while one configuration was looked at.
final class Findings {
    /// A file full of nonsense gives this many lines and one that says so, not a megabyte of log.
    static let maximumProblems = 100

    let file: String?
    private(set) var problems: [ConfigurationProblem] = []
    var warnings: [String] = []

    init(file: String?) {
        self.file = file
    }

    var isFull: Bool { problems.count > Self.maximumProblems }

    /// Flags first, then the file from top to bottom.
    var inOrder: [ConfigurationProblem] {
        problems.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
            .map(\.element)
    }

    func refuse(_ origin: Origin, _ value: String?, _ explanation: String) {
        guard !isFull else { return }
        let isFile = origin.line != nil
        guard problems.count < Self.maximumProblems else {
            let problem = ConfigurationProblem(
                field: "", value: nil, explanation: "more than \(Self.maximumProblems) problems, no more are shown",
                file: isFile ? file : nil, line: origin.line)
            problems.append(problem)
            return
        }
        problems.append(
            ConfigurationProblem(
                field: origin.field, value: value, explanation: explanation, file: isFile ? file : nil,
                line: origin.line))
    }
}
