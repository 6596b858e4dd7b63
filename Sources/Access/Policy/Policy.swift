// SPDX-License-Identifier: Apache-2.0

/// Who may do what, from a file:
///
/// ```yaml
/// apiVersion: nodekeep/v1
/// kind: Policy
/// rules:
/// - name: monitoring
///   subjects:
///     groups: [monitoring]
///   verbs: [get]
///   endpoints: [stats, metrics, healthz]
/// - name: team-a
///   subjects:
///     users: [alice]
///     groups: [team-a]
///   verbs: [create, get, list, delete]
///   endpoints: [checkpoint, checkpoints]
///   namespaces: [team-a, team-a-*]
/// ```
///
/// What no rule allows is denied; there is no rule that denies. All fields of a rule but `namespaces`, `pods` and
/// `containers` must be there. `rules: []` is valid, and allows nobody anything.
package struct Policy: Equatable, Sendable {
    package static let maximumRules = 1_000
    static let maximumBytes = 1 << 20

    package let rules: [PolicyRule]

    init(rules: [PolicyRule]) {
        self.rules = rules
    }

    package func decide(_ identity: Identity, _ attributes: AccessAttributes) -> Decision {
        guard let rule = rules.first(where: { $0.allows(identity, attributes) }) else {
            return .denied("no rule of the policy allows it")
        }
        return .allowed(by: "policy rule \(quoted(rule.name))", until: nil)
    }

    /// Reads a policy file under the conditions of the agent. Waits for the disk.
    package static func load(_ path: String) throws(AccessProblems) -> Policy {
        let content: GuardedFile.Content
        do {
            content = try GuardedFile.read(path, limit: maximumBytes, .trusted)
        } catch {
            throw AccessProblems([AccessProblem(path, error.reason)])
        }
        return try parse(content.bytes, file: path)
    }

    /// The decision, and what each rule has to do with it.
    package func explain(_ identity: Identity, _ attributes: AccessAttributes) -> PolicyExplanation {
        PolicyExplanation(
            decision: identity.isLocalRoot ? AccessControl.localRootDecision : decide(identity, attributes),
            rules: rules.map { rule in
                PolicyExplanation.Rule(
                    name: rule.name, line: rule.line, reasons: rule.reasons(identity, attributes))
            })
    }
}

/// Why a policy decides as it does, for `nodekeep policy check`.
package struct PolicyExplanation: Equatable, Sendable {
    package struct Rule: Equatable, Sendable {
        package let name: String
        package let line: Int
        /// Why it does not allow it; empty: it does.
        package let reasons: [String]

        package var allows: Bool { reasons.isEmpty }
    }

    package let decision: Decision
    /// In the file's order. The first that allows is the one that the decision names.
    package let rules: [Rule]

    package var isAllowed: Bool {
        if case .allowed = decision { true } else { false }
    }

    /// For people: the decision, and then one line for each rule.
    package var lines: [String] {
        let first =
            switch decision {
            case .allowed(let by, _): "allowed by \(by)"
            case .denied(let reason), .failed(let reason): "denied: \(reason)"
            }
        return [first]
            + rules.map { rule in
                let verdict = rule.allows ? "allows it" : rule.reasons.joined(separator: "; ")
                return "rule \(quoted(rule.name)) (line \(rule.line)): \(verdict)"
            }
    }
}
