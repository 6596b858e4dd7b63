// SPDX-License-Identifier: Apache-2.0

/// Walks a mapping by a table of fields: what is unknown, and what has the wrong kind of value.
struct SchemaCheck {
    /// By dotted name: `logging.verbosity`, `registerWithTaints[].key`.
    let shapes: [String: FieldShape]
    /// What to say about a field that has no row; nil: nothing special. Gets the dotted name.
    let remark: (String) -> String?
    let findings: Findings
    /// Names that have fields below them.
    private let objects: Set<String>

    init(shapes: [String: FieldShape], findings: Findings, remark: @escaping (String) -> String?) {
        self.shapes = shapes
        self.findings = findings
        self.remark = remark
        var objects: Set<String> = []
        for name in shapes.keys {
            var parts = name.split(separator: ".")
            while parts.count > 1 {
                parts.removeLast()
                objects.insert(parts.joined(separator: "."))
            }
        }
        self.objects = objects
    }

    /// The dotted names of all fields that are set.
    func walk(_ root: YAMLNode) -> [String] {
        var found: [String] = []
        walk(root, table: "", shown: "", &found)
        return found
    }

    private func walk(_ node: YAMLNode, table: String, shown: String, _ found: inout [String]) {
        for entry in node.entries ?? [] where !findings.isFull {
            let name = table + entry.key
            let origin = Origin(field: shown + entry.key, line: entry.keyLine)
            if entry.key.utf8.contains(UInt8(ascii: ".")) || entry.key.utf8.contains(UInt8(ascii: "[")) {
                // The table's names are paths; a key that looks like one is no field, however it looks.
                let hint = shapes[name] == nil ? "" : ": write it as mappings, each in the other"
                let place = Origin(field: shownName(shown, entry.key), line: entry.keyLine)
                findings.refuse(place, nil, "there is no field of this name" + hint)
            } else if let shape = shapes[name] {
                shape.check(entry.value, origin, findings)
                if !entry.value.isNull { found.append(name) }
                if shape == .objects { walkItems(entry.value, name, origin, &found) }
            } else if objects.contains(name) {
                if entry.value.entries != nil {
                    walk(entry.value, table: name + ".", shown: origin.field + ".", &found)
                } else if !entry.value.isNull {
                    findings.refuse(origin, entry.value.shown, "a mapping")
                }
            } else {
                findings.refuse(
                    Origin(field: shownName(shown, entry.key), line: entry.keyLine), nil, unknown(entry.key, table))
            }
        }
    }

    private func walkItems(_ node: YAMLNode, _ name: String, _ origin: Origin, _ found: inout [String]) {
        for (index, item) in (node.items ?? []).enumerated() {
            let place = Origin(field: "\(origin.field)[\(index)]", line: item.line)
            if item.entries != nil {
                var ignored: [String] = []
                walk(item, table: name + "[].", shown: place.field + ".", &ignored)
            } else {
                findings.refuse(place, item.shown, "a mapping")
            }
        }
    }

    /// An unknown name may be anything: only what looks like a name is shown bare.
    private func shownName(_ prefix: String, _ key: String) -> String {
        let isPlain = key.utf8.count <= 64 && !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        return prefix + (isPlain ? key : quoted(key))
    }

    private func unknown(_ key: String, _ table: String) -> String {
        if let remark = remark(table + key) { return remark }
        let names = objects.union(shapes.keys).filter { $0.hasPrefix(table) }
        let siblings = Set(
            names.compactMap { $0.dropFirst(table.count).split(separator: ".").first.map { String($0) } }
        )
        .filter { !$0.hasSuffix("[]") }
        guard let nearest = Spelling.nearest(to: key, among: siblings) else { return "there is no field of this name" }
        return "there is no field of this name; did you mean \(nearest)?"
    }
}

/// "Did you mean …?"
enum Spelling {
    static func nearest(to word: String, among candidates: some Collection<String>) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let lower = Array(word.lowercased().utf8)
        let ranked = candidates.map { (distance: distance(lower, Array($0.lowercased().utf8)), name: $0) }
        guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
        return best.distance <= max(2, lower.count / 3) ? best.name : nil
    }

    /// Levenshtein's.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
