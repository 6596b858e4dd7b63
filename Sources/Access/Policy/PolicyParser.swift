// SPDX-License-Identifier: Apache-2.0
internal import Configuration

extension Policy {
    /// Reads a policy file.
    ///
    /// - Throws: everything that is wrong with it, with line and field.
    package static func parse(_ bytes: [UInt8], file: String) throws(AccessProblems) -> Policy {
        var parser = PolicyParser(reader: DocumentReader(file: file))
        return try parser.policy(bytes)
    }
}

private struct PolicyParser {
    var reader: DocumentReader
    var lines: [String: Int] = [:]

    private static let verbs = ["get", "list", "create", "update", "patch", "delete"]
    private static let fields = [
        "name", "subjects", "verbs", "endpoints", "namespaces", "pods", "containers",
    ]

    mutating func policy(_ bytes: [UInt8]) throws(AccessProblems) -> Policy {
        let fields = try reader.document(bytes, kind: "Policy", fields: ["rules"])
        var rules: [PolicyRule] = []
        if let entry = fields["rules"] {
            if let items = entry.value.items {
                if items.count > Policy.maximumRules {
                    reader.refuse(entry.keyLine, "rules", "\(items.count) rules; \(Policy.maximumRules) is the limit")
                } else {
                    for (index, item) in items.enumerated() where !reader.isFull {
                        if let rule = rule(item, "rules[\(index)]") { rules.append(rule) }
                    }
                }
            } else {
                reader.refuse(
                    entry.value.line, "rules", "\(quoted(entry.value.shown)) is not allowed: it must be a list of rules"
                )
            }
        } else {
            reader.missing(1, "rules", "is missing; a policy that allows nobody anything has rules: []")
        }
        try reader.finish()
        return Policy(rules: rules)
    }

    /// - Returns: nil with a problem.
    private mutating func rule(_ node: YAMLNode, _ field: String) -> PolicyRule? {
        let before = reader.problems.count
        let found = reader.mapping(node, field, fields: Self.fields)
        guard node.entries != nil else { return nil }
        for name in ["name", "subjects", "verbs", "endpoints"] where found[name] == nil {
            reader.missing(node.line, "\(field).\(name)", "is missing")
        }
        let name = found["name"].flatMap { ruleName($0, "\(field).name") }
        let subjects = found["subjects"].map { readSubjects($0, "\(field).subjects") }
        let verbs = found["verbs"].flatMap { words($0, "\(field).verbs", among: Self.verbs) }
        let endpoints = found["endpoints"].flatMap {
            words($0, "\(field).endpoints", among: PolicyEndpoint.allCases.map(\.rawValue))
        }
        let namespaces = found["namespaces"].flatMap { patterns($0, "\(field).namespaces") }
        let pods = found["pods"].flatMap { patterns($0, "\(field).pods") }
        let containers = found["containers"].flatMap { patterns($0, "\(field).containers") }
        for restriction in ["namespaces", "pods", "containers"] {
            if let entry = found[restriction] { checkTarget(entry, "\(field).\(restriction)", endpoints) }
        }
        guard let name, let subjects, let verbs, let endpoints, reader.problems.count == before else { return nil }
        return PolicyRule(
            name: name, line: node.line, users: Set(subjects.users.map(ExactName.init)),
            groups: Set(subjects.groups.map(ExactName.init)),
            verbs: verbs.contains("*") ? nil : Set(verbs), endpoints: endpoints.contains("*") ? nil : Set(endpoints),
            namespaces: namespaces, pods: pods, containers: containers)
    }

    private mutating func ruleName(_ entry: YAMLNode.Entry, _ field: String) -> String? {
        guard let name = reader.string(entry.value, field) else { return nil }
        guard name.utf8.count <= 100, !name.unicodeScalars.contains(where: \.isUnprintable) else {
            reader.refuse(entry.value.line, field, "\(quoted(name)) is longer than 100 bytes or has control characters")
            return nil
        }
        if let first = lines.updateValue(entry.keyLine, forKey: name) {
            reader.refuse(entry.value.line, field, "\(quoted(name)) is also the rule on line \(first)")
            return nil
        }
        return name
    }

    private mutating func readSubjects(
        _ entry: YAMLNode.Entry, _ field: String
    ) -> (users: [String], groups: [String]) {
        let found = reader.mapping(entry.value, field, fields: ["users", "groups"])
        if entry.value.entries?.isEmpty == true {
            reader.refuse(entry.value.line, field, "is empty; it must have users, groups, or both")
        }
        let users = found["users"].map { subjectNames($0, field + ".users") } ?? []
        let groups = found["groups"].map { subjectNames($0, field + ".groups") } ?? []
        return (users, groups)
    }

    private mutating func subjectNames(_ entry: YAMLNode.Entry, _ field: String) -> [String] {
        let texts = reader.strings(entry, field) ?? []
        for (index, name) in texts.enumerated() {
            let place = "\(field)[\(index)]"
            if name.text.hasSuffix("*") {
                let hint = "everybody who has authenticated is in the group system:authenticated"
                reader.refuse(name.line, place, "\(quoted(name.text)) is not allowed: names are exact; \(hint)")
            } else if name.text.utf8.count > IdentityNames.maximumBytes
                || name.text.unicodeScalars.contains(where: \.isUnprintable)
            {
                reader.refuse(name.line, place, "\(quoted(name.text)) is nobody's name")
            }
        }
        return texts.map(\.text)
    }

    private mutating func words(_ entry: YAMLNode.Entry, _ field: String, among allowed: [String]) -> [String]? {
        guard let texts = reader.strings(entry, field) else { return nil }
        for (index, word) in texts.enumerated() where word.text != "*" && !allowed.contains(word.text) {
            let wanted = "it must be one of \(allowed.joined(separator: ", ")), or \"*\""
            reader.refuse(word.line, "\(field)[\(index)]", "\(quoted(word.text)) is not allowed: \(wanted)")
        }
        return texts.map(\.text)
    }

    private mutating func patterns(_ entry: YAMLNode.Entry, _ field: String) -> [NamePattern]? {
        guard let texts = reader.strings(entry, field) else { return nil }
        var patterns: [NamePattern] = []
        for (index, text) in texts.enumerated() {
            if let pattern = NamePattern(text.text) {
                patterns.append(pattern)
            } else {
                let wanted = "lower-case letters, digits, - and ., with or without a * at the end"
                reader.refuse(text.line, "\(field)[\(index)]", "\(quoted(text.text)) is not allowed: \(wanted)")
            }
        }
        return patterns
    }

    /// The rule would never match for the others, and its author believes that it does.
    private mutating func checkTarget(_ entry: YAMLNode.Entry, _ field: String, _ endpoints: [String]?) {
        let others = (endpoints ?? []).filter { PolicyEndpoint(rawValue: $0)?.hasTarget == false }
        guard let other = others.first else { return }
        reader.refuse(
            entry.keyLine, field,
            "only checkpoint and checkpoints have containers; put \(quoted(other)) into a rule without this field")
    }
}
