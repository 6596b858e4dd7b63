// SPDX-License-Identifier: Apache-2.0

/// What Kubernetes takes for a label (apimachinery/pkg/api/validate/content/kube.go).
package enum LabelSyntax {
    /// Checks key and value.
    ///
    /// - Throws: `SyntaxError` saying which of them is wrong, how, and what is allowed.
    package static func validate(key: String, value: String) throws(SyntaxError) {
        try validate(key: key)
        try validate(value: value, of: key)
    }

    /// Checks a qualified name: an optional DNS-1123 prefix with a slash, and a name. Taint keys are of this kind too.
    package static func validate(key: String) throws(SyntaxError) {
        let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.last ?? ""
        if parts.count == 2, let prefix = parts.first {
            if let problem = subdomainProblem(String(prefix)) { throw keyError(key, "its prefix \(problem)") }
        }
        if name.isEmpty { throw keyError(key, "its name is empty") }
        if name.utf8.count > 63 { throw keyError(key, "its name is longer than 63 characters") }
        if !isName(name) { throw keyError(key, "its name has a character that is not allowed there") }
    }

    /// Checks a value; it may be empty.
    package static func validate(value: String, of key: String) throws(SyntaxError) {
        if value.isEmpty { return }
        let isTooLong = value.utf8.count > 63
        guard isTooLong || !isName(value[...]) else { return }
        throw SyntaxError(
            value, isNot: "a value for the label \(key)",
            problem: isTooLong
                ? "it is longer than 63 characters" : "it has a character that is not allowed there",
            allowed: "nothing, or up to 63 letters, digits, '-', '_' and '.', a letter or digit at both ends")
    }

    /// What keeps a text from being a DNS-1123 subdomain, as half a sentence; nil if it is one.
    package static func subdomainProblem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 253 { return "is longer than 253 characters" }
        let isSubdomain = text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && label.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
        return isSubdomain
            ? nil
            : "is not a DNS-1123 subdomain (lower-case letters, digits, '-' and '.', "
                + "a letter or digit at both ends of each part)"
    }

    /// What keeps a text from being a DNS-1123 label, as half a sentence; nil if it is one.
    package static func labelProblem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 63 { return "is longer than 63 characters" }
        if text.utf8.contains(UInt8(ascii: ".")) || subdomainProblem(text) != nil {
            return "is not a DNS-1123 label (lower-case letters, digits and '-', a letter or digit at both ends)"
        }
        return nil
    }

    private static func keyError(_ key: String, _ problem: String) -> SyntaxError {
        SyntaxError(
            key, isNot: "a label key", problem: problem,
            allowed: "an optional DNS subdomain and '/', then up to 63 letters, digits, '-', '_' and '.', "
                + "a letter or digit at both ends")
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (0x41...0x5a).contains(byte)
    }
}

/// Which labels a node may put on itself.
package enum SelfLabelRule {
    /// Why a node may not set this label on itself; nil if it may.
    ///
    /// The kubelet's own rule at start-up (cmd/kubelet/app/options/options.go) and that of the admission plugin
    /// NodeRestriction: what breaks it would make the API server refuse every update.
    package static func refusal(key: String) -> String? {
        let prefix = String(key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
        guard key.utf8.contains(UInt8(ascii: "/")) else { return nil }
        if isIn(prefix, "node-restriction.kubernetes.io") {
            return "labels in node-restriction.kubernetes.io are not a node's to set (NodeRestriction)"
        }
        guard isIn(prefix, "kubernetes.io") || isIn(prefix, "k8s.io") else { return nil }
        if allowedKeys.contains(key) { return nil }
        if isIn(prefix, "kubelet.kubernetes.io") || isIn(prefix, "node.kubernetes.io") { return nil }
        return "in kubernetes.io and k8s.io a node may only set " + allowedKeys.joined(separator: ", ")
            + ", and keys in kubelet.kubernetes.io and node.kubernetes.io"
    }

    /// well_known_labels.go
    package static let allowedKeys = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type",
    ]

    private static func isIn(_ prefix: String, _ domain: String) -> Bool {
        prefix == domain || prefix.hasSuffix("." + domain)
    }
}
