// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// Makes one configuration of all sources, or says everything that is wrong with them.
    package static func resolve(_ sources: ConfigurationSources) -> ConfigurationResolution {
        let findings = Findings(file: sources.file?.path)
        let reader = ValueReader.open(sources.file, findings)
        var configuration = Configuration()
        configuration.resolvePlaces(reader, sources)
        configuration.resolveListeners(reader, sources.flags)
        configuration.resolveAccess(reader, sources.flags)
        configuration.resolveTLS(reader)
        configuration.resolveCluster(reader, sources.flags)
        configuration.resolveRuntime(reader, sources)
        configuration.resolveCheckpoints(reader)
        configuration.resolveNode(reader, sources.flags)
        configuration.resolveResources(reader)
        configuration.resolveThresholds(reader)
        configuration.resolvePeriods(reader)
        return ConfigurationResolution(
            configuration: findings.problems.isEmpty ? configuration : nil, problems: findings.inOrder,
            warnings: findings.warnings)
    }
}

extension ValueReader {
    /// Parses the file, tells whose it is, and holds it against the table of its fields.
    fileprivate static func open(_ file: ConfigurationSources.File?, _ findings: Findings) -> ValueReader {
        let nothing = ValueReader(root: nil, readable: [], findings: findings)
        guard let file else { return nothing }
        let root: YAMLNode
        do throws(YAML.SyntaxError) {
            root = try YAML.parse(file.bytes)
        } catch {
            findings.refuse(Origin(field: "", line: error.line), nil, error.message)
            return nothing
        }
        if root.isNull { return nothing }
        guard let entries = root.entries else {
            let explanation =
                "\(root.shown == "a list" ? "a list" : "a single value") where fields and their values belong"
            findings.refuse(Origin(field: "", line: root.line), nil, explanation)
            return nothing
        }
        guard entries.contains(where: { $0.key == "kind" || $0.key == "apiVersion" }) else {
            return openOwn(root, findings)
        }
        return openKubelets(root, findings) ?? nothing
    }

    private static func openOwn(_ root: YAMLNode, _ findings: Findings) -> ValueReader {
        let check = SchemaCheck(shapes: OwnField.shapes, findings: findings) { name in
            switch KubeletField.byName[name]?.verdict {
            case .irrelevant(let why): "a field of KubeletConfiguration that nodekeep has no use for: \(why)"
            case .replaced(let own): "a field of KubeletConfiguration, replaced by \(own)"
            case .refused(_, let why): "a field of KubeletConfiguration that nodekeep has no use for: \(why)"
            case .honoured, nil: nil
            }
        }
        _ = check.walk(root)
        return ValueReader(root: root, readable: Set(OwnField.all.map(\.name)), findings: findings)
    }

    private static func openKubelets(_ root: YAMLNode, _ findings: Findings) -> ValueReader? {
        for (name, expected) in [("kind", KubeletField.kind), ("apiVersion", KubeletField.apiVersion)] {
            let entry = root.entries?.first { $0.key == name }
            if let entry, entry.value.scalar?.text == expected { continue }
            let explanation =
                "\(expected) in a kubelet's file; nodekeep's own has neither kind nor apiVersion"
            findings.refuse(
                Origin(field: name, line: entry?.keyLine ?? root.line), entry?.value.shown ?? "", explanation)
            return nil
        }
        let own = Set(OwnField.all.map(\.name))
        let check = SchemaCheck(shapes: KubeletField.shapes, findings: findings) { name in
            guard own.contains(name) else { return nil }
            let flag = OwnField.all.first { $0.name == name }?.flag
            return "a field of nodekeep's own file, not of KubeletConfiguration"
                + (flag.map { "; there is the flag \($0)" } ?? "")
        }
        let found = check.walk(root)
        let reader = ValueReader(
            root: root, readable: Set(KubeletField.all.filter(\.isHonoured).map(\.name)), findings: findings,
            isKubelets: true)
        reader.judgeRefusals(root, found)
        reader.warn(found)
        return reader
    }

    private func judgeRefusals(_ root: YAMLNode, _ found: [String]) {
        let everything = ValueReader(root: root, readable: Set(found), findings: findings)
        for name in found {
            guard case .refused(let accepted, let why)? = KubeletField.byName[name]?.verdict,
                let (text, origin) = everything.text(name), !accepted.contains(text.lowercased()),
                !accepted.contains(text)
            else { continue }
            let allowed = accepted.filter { !$0.isEmpty }.joined(separator: ", ")
            findings.refuse(origin, text, "\(allowed); \(why)")
        }
        // The kubelet's own rule (validation.go).
        for name in ["systemReservedCgroup", "kubeReservedCgroup"] {
            guard let (text, origin) = everything.text(name), !text.isEmpty,
                let cpus = everything.text("reservedSystemCPUs")?.text, !cpus.isEmpty
            else { continue }
            findings.refuse(origin, text, "not together with reservedSystemCPUs")
        }
    }

    /// One warning in all: a kubelet's file has dozens of fields that are none of our business.
    private func warn(_ found: [String]) {
        var irrelevant: [String] = []
        var replaced: [String] = []
        for name in found {
            switch KubeletField.byName[name]?.verdict {
            case .irrelevant: irrelevant.append(name)
            case .replaced: replaced.append(name)
            case .honoured, .refused, nil: break
            }
        }
        var parts: [String] = []
        if !irrelevant.isEmpty { parts.append("nodekeep has no use for \(irrelevant.joined(separator: ", "))") }
        if !replaced.isEmpty { parts.append("nodekeep has its own in place of \(replaced.joined(separator: ", "))") }
        guard !parts.isEmpty else { return }
        findings.warnings.append("\(findings.file ?? ""): a kubelet's file: \(parts.joined(separator: "; "))")
    }
}
