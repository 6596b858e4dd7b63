// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// Reads a YAML document of ours strictly, and collects what is wrong with it.
struct DocumentReader {
    let file: String
    private(set) var problems: [AccessProblem] = []

    init(file: String) {
        self.file = file
    }

    /// The document as a tree, and its fields.
    ///
    /// - Parameter kind: what `kind` must be, beside `apiVersion: nodekeep/v1`.
    mutating func document(
        _ bytes: [UInt8], kind: String, fields: [String]
    ) throws(AccessProblems) -> [String: YAMLNode.Entry] {
        let root: YAMLNode
        do {
            root = try YAML.parse(bytes)
        } catch {
            throw AccessProblems([AccessProblem(file, line: error.line, error.message)])
        }
        let example = "apiVersion: nodekeep/v1, kind: \(kind) and \(fields.joined(separator: ", "))"
        guard root.entries != nil else {
            // Not what it says: it may be a token.
            let what =
                root.isNull ? "the file is empty" : "the file is \(root.items == nil ? "a single value" : "a list")"
            throw AccessProblems([AccessProblem(file, line: root.line, "\(what); a mapping is wanted: \(example)")])
        }
        let found = mapping(root, "", fields: ["apiVersion", "kind"] + fields)
        for (name, wanted) in [("apiVersion", "nodekeep/v1"), ("kind", kind)] {
            guard let entry = found[name] else {
                missing(root.line, name, "is missing; it must be \(wanted)")
                continue
            }
            if let text = string(entry.value, name), text != wanted {
                refuse(entry.value.line, name, "\(quoted(text)) is not allowed: it must be \(wanted)")
            }
        }
        // What another kind of file holds, it holds rightly.
        guard problems.allSatisfy({ $0.field != "kind" && $0.field != "apiVersion" }) else {
            throw AccessProblems(problems.filter { $0.field == "kind" || $0.field == "apiVersion" })
        }
        return found
    }

    func finish() throws(AccessProblems) {
        guard problems.isEmpty else { throw AccessProblems(problems) }
    }

    /// So many that nobody reads on.
    var isFull: Bool { problems.count > AccessProblems.maximum }

    mutating func refuse(_ line: Int, _ field: String, _ explanation: String) {
        guard !isFull else { return }
        problems.append(AccessProblem(file, line: line, field: field, explanation))
    }

    /// Nothing where it is there without a value, which is a problem of its own.
    mutating func missing(_ line: Int, _ field: String, _ explanation: String) {
        if !problems.contains(where: { $0.field == field }) { refuse(line, field, explanation) }
    }

    /// The fields of a mapping that have a value, by name. Others than the given ones are problems.
    mutating func mapping(_ node: YAMLNode, _ field: String, fields: [String]) -> [String: YAMLNode.Entry] {
        guard let entries = node.entries else {
            refuse(node.line, field, "\(quoted(node.shown)) is not allowed: it must be a mapping")
            return [:]
        }
        var found: [String: YAMLNode.Entry] = [:]
        for entry in entries {
            let place = field.isEmpty ? Self.shown(entry.key) : field + "." + Self.shown(entry.key)
            if !fields.contains(entry.key) {
                let wanted = fields.joined(separator: ", ")
                refuse(entry.keyLine, place, "there is no field of this name; there are \(wanted)")
            } else if entry.value.isNull {
                refuse(entry.keyLine, place, "has no value")
            } else {
                found[entry.key] = entry
            }
        }
        return found
    }

    /// A text that is not empty. What YAML takes for a number or a boolean must be put in quotes.
    mutating func string(_ node: YAMLNode, _ field: String) -> String? {
        guard let scalar = node.scalar else {
            refuse(node.line, field, "\(quoted(node.shown)) is not allowed: it must be a text")
            return nil
        }
        guard scalar.type == .string else {
            refuse(node.line, field, "\(quoted(node.shown)) is not a text to YAML; put it in quotes")
            return nil
        }
        guard !scalar.text.isEmpty else {
            refuse(node.line, field, "is empty")
            return nil
        }
        return scalar.text
    }

    /// A list of texts that is not empty.
    mutating func strings(_ entry: YAMLNode.Entry, _ field: String, limit: Int = 1_000) -> [(text: String, line: Int)]?
    {
        guard let items = entry.value.items else {
            refuse(entry.value.line, field, "\(quoted(entry.value.shown)) is not allowed: it must be a list")
            return nil
        }
        guard !items.isEmpty else {
            refuse(entry.value.line, field, "is an empty list; leave the field out, or put something in it")
            return nil
        }
        guard items.count <= limit else {
            refuse(entry.value.line, field, "\(items.count) items; \(limit) is the limit")
            return nil
        }
        var texts: [(text: String, line: Int)] = []
        for (index, item) in items.enumerated() {
            if let text = string(item, "\(field)[\(index)]") { texts.append((text, item.line)) }
        }
        return texts
    }

    /// An unknown key may be anything: only what looks like a name is shown bare.
    private static func shown(_ key: String) -> String {
        let isPlain = !key.isEmpty && key.utf8.count <= 64 && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        return isPlain ? key : quoted(key)
    }
}
