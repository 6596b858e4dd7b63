// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// Name, addresses, labels, taints.
    mutating func resolveNode(_ reader: ValueReader, _ flags: FlagValues) {
        let findings = reader.findings
        let name = reader.either(
            flag: "--hostname-override", flags.hostnameOverride, file: "hostnameOverride"
        ) { text, origin -> String? in
            let name = NodeName.normalized(text)
            if name.isEmpty { return nil }
            guard let problem = LabelSyntax.subdomainProblem(name) else { return name }
            findings.refuse(origin, text, "a DNS-1123 subdomain; this \(problem)")
            return nil
        }
        node.hostnameOverride = name ?? ""

        let addresses = reader.either(flag: "--node-ip", flags.nodeIP, file: "nodeIP") { text, origin in
            Self.nodeIPs(text, origin, reader)
        }
        node.nodeIPs = addresses ?? []
        node.externalIPs = externalIPs(reader)
        node.nodeLabels = nodeLabels(reader)
        node.registerWithTaints = taints(reader)

        if let (text, origin) = reader.text("providerID"), !text.isEmpty {
            if text.utf8.count <= 1_024, text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7f }) {
                node.providerID = text
            } else {
                findings.refuse(origin, text, "at most 1024 printable ASCII characters without spaces")
            }
        }
        if let (text, origin) = reader.text("kubeletVersion"), !text.isEmpty {
            if SemanticVersion.isValid(text) {
                node.kubeletVersion = text
            } else {
                findings.refuse(origin, text, "a semantic version, such as v1.36.0")
            }
        }
        node.localStorageCapacityIsolation =
            reader.bool("localStorageCapacityIsolation") ?? node.localStorageCapacityIsolation
    }

    private static func nodeIPs(_ text: String, _ origin: Origin, _ reader: ValueReader) -> [IPAddress]? {
        do throws(SyntaxError) {
            let addresses = try NodeIPs.parse(text)
            // What a kubelet would find out, and refuse to publish, at every single status.
            if let bad = addresses.first(where: { $0.isLoopback || $0.isMulticast || $0.isLinkLocalUnicast }) {
                reader.findings.refuse(
                    origin, text,
                    "\(bad) can be no node's address; allowed: no loopback, multicast or link-local address")
                return nil
            }
            return addresses
        } catch {
            reader.refuse(origin, text, error)
            return nil
        }
    }

    private func externalIPs(_ reader: ValueReader) -> [IPAddress] {
        guard let (list, origin) = reader.find("externalIPs"), reader.isShort(list, origin) else { return [] }
        var addresses: [IPAddress] = []
        for (index, item) in (list.items ?? []).enumerated() {
            guard let text = item.scalar?.text else { continue }
            let place = Origin(field: "\(origin.field)[\(index)]", line: item.line)
            guard let address = IPAddress(text), address.isGlobalUnicast else {
                reader.findings.refuse(
                    place, text, "an IPv4 or IPv6 address that is not loopback, multicast, link-local or unspecified")
                continue
            }
            if addresses.contains(address) {
                reader.findings.refuse(place, text, "each address once")
            } else {
                addresses.append(address)
            }
        }
        return addresses
    }

    private func nodeLabels(_ reader: ValueReader) -> [String: String] {
        var labels: [String: String] = [:]
        for (key, value, origin) in reader.texts("nodeLabels") ?? [] {
            do throws(SyntaxError) {
                try LabelSyntax.validate(key: key, value: value)
                if let refusal = SelfLabelRule.refusal(key: key) {
                    reader.findings.refuse(origin, value, refusal)
                } else {
                    labels[key] = value
                }
            } catch {
                reader.refuse(origin, error.text, error)
            }
        }
        return labels
    }

    private func taints(_ reader: ValueReader) -> [Taint] {
        guard let (list, origin) = reader.find("registerWithTaints"), reader.isShort(list, origin) else { return [] }
        var taints: [Taint] = []
        for (index, item) in (list.items ?? []).enumerated() {
            guard let entries = item.entries else { continue }
            let place = "\(origin.field)[\(index)]"
            func text(_ name: String) -> String? { entries.first { $0.key == name }?.value.scalar?.text }
            func line(_ name: String) -> Int { entries.first { $0.key == name }?.keyLine ?? item.line }
            let (key, value) = (text("key") ?? "", text("value") ?? "")
            do throws(SyntaxError) {
                try LabelSyntax.validate(key: key)
            } catch {
                reader.refuse(Origin(field: place + ".key", line: line("key")), key, error)
                continue
            }
            do throws(SyntaxError) {
                try LabelSyntax.validate(value: value, of: key)
            } catch {
                reader.refuse(Origin(field: place + ".value", line: line("value")), value, error)
                continue
            }
            guard let effect = Taint.Effect(rawValue: text("effect") ?? "") else {
                // A wrong effect has been reported with the field's shape; a missing one is nobody else's to report.
                if text("effect") == nil {
                    let all = Taint.Effect.allCases.map(\.rawValue).joined(separator: ", ")
                    reader.findings.refuse(Origin(field: place + ".effect", line: item.line), "", "one of \(all)")
                }
                continue
            }
            // The API server wants each pair of key and effect once.
            if taints.contains(where: { $0.key == key && $0.effect == effect }) {
                reader.findings.refuse(Origin(field: place, line: item.line), key, "each key once for each effect")
            } else {
                taints.append(Taint(key: key, value: value, effect: effect))
            }
        }
        return taints
    }
}

/// semver.org, with the `v` in front that Kubernetes writes.
enum SemanticVersion {
    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= 128 else { return false }
        let bare = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let build = bare.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let pre = (build.first ?? "").split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let core = (pre.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
        return core.count == 3 && core.allSatisfy(isNumber)
            && (pre.count < 2 || identifiers(pre[1]).allSatisfy { isIdentifier($0) && (!isDigits($0) || isNumber($0)) })
            && (build.count < 2 || identifiers(build[1]).allSatisfy(isIdentifier))
    }

    private static func identifiers(_ text: Substring) -> [Substring] {
        text.split(separator: ".", omittingEmptySubsequences: false)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isNumber(_ text: Substring) -> Bool {
        isDigits(text) && text.utf8.count <= 9 && (text == "0" || !text.hasPrefix("0"))
    }

    private static func isIdentifier(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
            }
    }
}
