// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Typed access to the fields that count, in the file and among the flags. What has the wrong shape has been reported
/// by the schema check and reads as not set here.
struct ValueReader {
    let root: YAMLNode?
    /// The dotted names that may be read: of a kubelet's file only those that are honoured.
    let readable: Set<String>
    let findings: Findings
    /// It is a kubelet's file, with much in it that is not for us.
    var isKubelets = false

    /// The field's value and its place; nil: not set, or null.
    func find(_ name: String) -> (node: YAMLNode, origin: Origin)? {
        guard readable.contains(name), var node = root else { return nil }
        var line = node.line
        for part in name.split(separator: ".") {
            guard let entry = node.entries?.first(where: { $0.key == part }) else { return nil }
            (node, line) = (entry.value, entry.keyLine)
        }
        return node.isNull ? nil : (node, Origin(field: name, line: line))
    }

    func text(_ name: String) -> (text: String, origin: Origin)? {
        guard let (node, origin) = find(name), let scalar = node.scalar else { return nil }
        return (scalar.text, origin)
    }

    func bool(_ name: String) -> Bool? {
        guard case .bool(let value)? = find(name)?.node.scalar?.type else { return nil }
        return value
    }

    /// Nil too for what its shape does not allow.
    func int(_ name: String, _ shape: FieldShape) -> Int64? {
        guard case .int(let range) = shape, case .int(let value)? = find(name)?.node.scalar?.type else { return nil }
        return range.contains(value) ? value : nil
    }

    func duration(_ name: String) -> Duration? {
        guard let (node, _) = find(name), let scalar = node.scalar, scalar.type == .string,
            let duration = try? GoDuration.parse(scalar.text), duration >= .zero, duration <= FieldShape.longest
        else { return nil }
        return duration
    }

    /// A map of texts with the place of each; nil: not set. An empty map is not nil, which matters to evictionHard.
    func texts(_ name: String) -> [(key: String, text: String, origin: Origin)]? {
        guard let (node, origin) = find(name), let entries = node.entries else { return nil }
        return entries.compactMap { entry in
            guard let scalar = entry.value.scalar, scalar.type != .null else { return nil }
            return (entry.key, scalar.text, origin.key(entry.key, line: entry.keyLine))
        }
    }

    /// The flag's value or else the file's, both judged: a mistake in the file does not hide behind a flag.
    func either<Value>(
        flag: String, _ typed: String?, file name: String, _ judge: (String, Origin) -> Value?
    ) -> Value? {
        let fromFile = text(name).flatMap { judge($0.text, $0.origin) }
        return typed.flatMap { judge($0, .flag(flag)) } ?? fromFile
    }

    /// An integer of a flag, in decimal.
    func integer(flag: String, _ typed: String?, _ shape: FieldShape) -> Int64? {
        guard let typed else { return nil }
        let isDecimal = !typed.isEmpty && typed.utf8.allSatisfy { (0x30...0x39).contains($0) }
        if case .int(let range) = shape, isDecimal, let value = Int64(typed), range.contains(value) { return value }
        findings.refuse(.flag(flag), typed, shape.allowed)
        return nil
    }

    /// Lists are for people to read: beyond this there is a mistake, and each is compared with all.
    func isShort(_ list: YAMLNode, _ origin: Origin) -> Bool {
        guard let items = list.items, items.count > Limits.listItems else { return true }
        findings.refuse(origin, "\(items.count) items", "at most \(Limits.listItems)")
        return false
    }

    func refuse(_ origin: Origin, _ value: String, _ error: SyntaxError) {
        findings.refuse(
            origin, value, error.problem + (error.allowed.isEmpty ? "" : "; allowed: \(error.allowed)"))
    }
}
