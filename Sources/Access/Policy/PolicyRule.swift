// SPDX-License-Identifier: Apache-2.0

/// One rule of a policy. It allows what all of its parts match.
package struct PolicyRule: Equatable, Sendable {
    package let name: String
    /// Where it begins in the file; 1 is the first.
    package let line: Int
    let users: Set<ExactName>
    let groups: Set<ExactName>
    /// Nil: all.
    let verbs: Set<String>?
    let endpoints: Set<String>?
    /// Nil: all, and also a request that is about no certain container.
    let namespaces: [NamePattern]?
    let pods: [NamePattern]?
    let containers: [NamePattern]?

    func allows(_ identity: Identity, _ attributes: AccessAttributes) -> Bool {
        hasSubject(identity) && hasVerb(attributes) && hasEndpoint(attributes) && hasTarget(attributes)
    }

    private func hasSubject(_ identity: Identity) -> Bool {
        users.contains(ExactName(identity.name)) || identity.groups.contains { groups.contains(ExactName($0)) }
    }

    private func hasVerb(_ attributes: AccessAttributes) -> Bool { verbs?.contains(Self.verb(attributes)) ?? true }

    private func hasEndpoint(_ attributes: AccessAttributes) -> Bool {
        endpoints?.contains(attributes.endpoint) ?? true
    }

    private func hasTarget(_ attributes: AccessAttributes) -> Bool {
        guard namespaces != nil || pods != nil || containers != nil else { return true }
        guard let target = attributes.checkpoint else { return false }
        return Self.matches(namespaces, target.namespace) && Self.matches(pods, target.pod)
            && Self.matches(containers, target.container)
    }

    private static func matches(_ patterns: [NamePattern]?, _ name: String) -> Bool {
        patterns?.contains { $0.matches(name) } ?? true
    }

    /// Nothing that has an empty verb is served; to say so tells less than GET does.
    private static func verb(_ attributes: AccessAttributes) -> String {
        attributes.verb.isEmpty ? "get" : attributes.verb
    }

    /// Why it does not allow something, each part in words; empty: it does.
    func reasons(_ identity: Identity, _ attributes: AccessAttributes) -> [String] {
        var reasons: [String] = []
        if !hasSubject(identity) {
            let groups = identity.groups.isEmpty ? "" : " nor the groups \(Self.list(identity.groups))"
            reasons.append("subjects: not for the user \(quoted(identity.name))\(groups)")
        }
        if !hasVerb(attributes) {
            reasons.append("verbs: \(Self.verb(attributes)) is not among \(Self.list(verbs ?? []))")
        }
        if !hasEndpoint(attributes) {
            reasons.append("endpoints: \(quoted(attributes.endpoint)) is not among \(Self.list(endpoints ?? []))")
        }
        guard !hasTarget(attributes) else { return reasons }
        guard let target = attributes.checkpoint else {
            return reasons + ["it is for certain containers, and the request names none"]
        }
        for (what, patterns, name) in [
            ("namespaces", namespaces, target.namespace), ("pods", pods, target.pod),
            ("containers", containers, target.container),
        ] where !Self.matches(patterns, name) {
            reasons.append("\(what): \(quoted(name)) is not among \(Self.list((patterns ?? []).map(\.text)))")
        }
        return reasons
    }

    private static func list(_ names: some Collection<String>) -> String {
        let shown = names.sorted().prefix(10).map { quoted($0) }.joined(separator: ", ")
        return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
    }
}

/// A name that is equal to nothing but the same bytes, as in Kubernetes. Two Swift strings are equal as well when they only
/// look the same: "Kate" may begin with the sign for kelvin.
struct ExactName: Hashable, Sendable {
    private let bytes: [UInt8]

    init(_ name: String) { bytes = Array(name.utf8) }
}
