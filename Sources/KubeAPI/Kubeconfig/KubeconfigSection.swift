// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// One mapping of a kubeconfig, with its name for messages. Values are never shown: any of them may be a secret in the
/// wrong place.
final class KubeconfigSection {
    let node: YAMLNode
    let file: String
    /// `users["node"].user`; empty for the document.
    let name: String
    private(set) var warnings: [String] = []

    init(node: YAMLNode, file: String, name: String) {
        self.node = node
        self.file = file
        self.name = name
    }

    func problem(_ key: String, _ explanation: String) -> KubeconfigProblem {
        let entry = node.entries?.first { $0.key == key }
        return KubeconfigProblem(
            file: file, line: entry?.keyLine ?? node.line, field: name.isEmpty ? key : "\(name).\(key)", explanation)
    }

    func has(_ key: String) -> Bool {
        value(key) != nil
    }

    /// Nil: not there, null or empty, which a kubeconfig does not distinguish.
    func text(_ key: String) throws(KubeconfigProblem) -> String? {
        guard let value = value(key) else { return nil }
        guard let scalar = value.scalar else { throw problem(key, "a text belongs here") }
        return scalar.text.isEmpty ? nil : scalar.text
    }

    func flag(_ key: String) throws(KubeconfigProblem) -> Bool {
        guard let value = value(key) else { return false }
        guard case .bool(let flag)? = value.scalar?.type else { throw problem(key, "true or false belongs here") }
        return flag
    }

    func warnOfUnknown(_ known: Set<String>) {
        let unknown = (node.entries ?? []).filter { !known.contains($0.key) }
        for entry in unknown.prefix(8) {
            let field = ForeignText.line((name.isEmpty ? "" : "\(name).") + entry.key, limit: 80)
            warnings.append("\(file):\(entry.keyLine): \(field): not a field that is known here, ignored")
        }
    }

    func warn(_ key: String, _ text: String) {
        warnings.append(problem(key, text).description)
    }

    private func value(_ key: String) -> YAMLNode? {
        guard let value = node.entries?.first(where: { $0.key == key })?.value, !value.isNull else { return nil }
        return value
    }
}

extension KubeconfigSection {
    /// The context that is asked for, or the current one.
    func context(named asked: String?) throws(KubeconfigProblem) -> (String, KubeconfigSection) {
        var name = asked
        if name == nil { name = try text("current-context") }
        guard let name else {
            throw problem("current-context", "missing: it names the context that is to be used")
        }
        guard let section = try find(name, in: "contexts", of: "context") else {
            let names = try names(in: "contexts")
            throw asked == nil
                ? problem("current-context", "there is no context \(shown(name)); \(names)")
                : KubeconfigProblem(file: file, "there is no context \(shown(name)); \(names)")
        }
        return (name, section)
    }

    /// The cluster or user that a context names.
    func entry(
        of list: String, named name: String, field: String, usedBy context: String
    ) throws(KubeconfigProblem) -> KubeconfigSection {
        if let section = try find(name, in: list, of: field) { return section }
        throw KubeconfigProblem(
            file: file, line: node.entries?.first { $0.key == list }?.keyLine,
            field: "contexts[\(shown(context))].context.\(field)",
            "there is no \(field) \(shown(name)); \(try names(in: list))")
    }

    private func find(_ name: String, in list: String, of key: String) throws(KubeconfigProblem) -> KubeconfigSection? {
        let matching = try items(of: list).filter { $0.name == name }
        guard let item = matching.first?.node else { return nil }
        guard matching.count == 1 else {
            throw problem(list, "\(shown(name)) comes twice, first on line \(item.line)")
        }
        let place = "\(list)[\(shown(name))]"
        guard let content = item.entries?.first(where: { $0.key == key })?.value, content.entries != nil else {
            throw KubeconfigProblem(file: file, line: item.line, field: "\(place).\(key)", "missing, or no mapping")
        }
        return KubeconfigSection(node: content, file: file, name: "\(place).\(key)")
    }

    private func names(in list: String) throws(KubeconfigProblem) -> String {
        let names = try items(of: list).map(\.name)
        guard !names.isEmpty else { return "there are no \(list)" }
        return "there is " + names.prefix(8).map { shown($0) }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    private func items(of list: String) throws(KubeconfigProblem) -> [(name: String, node: YAMLNode)] {
        guard let value = value(list) else { return [] }
        guard let items = value.items else { throw problem(list, "a list belongs here") }
        return items.compactMap { item in
            guard let name = item.entries?.first(where: { $0.key == "name" })?.value.scalar else { return nil }
            return (name.text, item)
        }
    }

    private func shown(_ name: String) -> String { "\"" + ForeignText.line(name, limit: 80) + "\"" }
}
