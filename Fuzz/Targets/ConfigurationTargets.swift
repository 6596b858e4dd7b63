// SPDX-License-Identifier: Apache-2.0
import NodeStatus

@testable import Configuration

extension FuzzTarget {
    /// A configuration file, our own or a kubelet's.
    static let configuration = FuzzTarget(name: "configuration", maximumLength: 4_096) { bytes in
        let found = resolve(bytes)
        check((found.configuration == nil) == !found.problems.isEmpty, "either a configuration or problems")
        check(found.problems.count <= Findings.maximumProblems + 1, "problems do not fill a log")
        for problem in found.problems { checkLine(problem.description) }
        for warning in found.warnings { checkLine(warning, limit: 32_768) }

        guard let configuration = found.configuration else { return }
        let text = YAML.text(of: configuration.document())
        let again = resolve(Array(text.utf8))
        check(again.problems.isEmpty, "what is shown can be read: \(again.problems)\n\(text)")
        check(again.configuration == configuration, "what is shown means the same:\n\(text)")
    }

    private static func resolve(_ bytes: [UInt8]) -> ConfigurationResolution {
        Configuration.resolve(ConfigurationSources(file: .init(path: "/etc/nodekeep/nodekeep.yaml", bytes: bytes)))
    }

    /// Any YAML, and what is written of it.
    static let yaml = FuzzTarget(name: "yaml", maximumLength: 4_096) { bytes in
        let node: YAMLNode
        do throws(YAML.SyntaxError) {
            node = try YAML.parse(bytes)
        } catch {
            checkLine(error.message)
            // To YAML a lone carriage return ends a line as well, and so do three characters beyond ASCII.
            let ends: [Unicode.Scalar] = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
            let lines = String(decoding: bytes, as: UTF8.self).unicodeScalars.reduce(1) {
                $0 + (ends.contains($1) ? 1 : 0)
            }
            check((1...lines).contains(error.line), "line \(error.line) is in the file of \(lines)")
            return
        }
        check(depth(of: node) <= YAML.maximumDepth, "a document is not deep")
        let text = YAML.text(of: value(of: node))
        guard let again = try? YAML.parse(text) else { return check(false, "what is written can be read:\n\(text)") }
        // As texts: a number that is none does not equal itself.
        check(YAML.text(of: value(of: again)) == text, "what is written means the same:\n\(text)")
    }

    private static func depth(of node: YAMLNode) -> Int {
        switch node.content {
        case .scalar: 1
        case .sequence(let items): 1 + (items.map(depth).max() ?? 0)
        case .mapping(let entries): 1 + (entries.map { depth(of: $0.value) }.max() ?? 0)
        }
    }

    private static func value(of node: YAMLNode) -> ConfigurationValue {
        switch node.content {
        case .scalar(let scalar):
            switch scalar.type {
            case .null: .null
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): .double(value)
            case .string: .string(scalar.text)
            }
        case .sequence(let items): .array(items.map(value))
        case .mapping(let entries): .object(entries.map { .init($0.key, value(of: $0.value)) })
        }
    }
}
