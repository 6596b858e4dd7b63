// SPDX-License-Identifier: Apache-2.0

/// Keeps pods away that do not tolerate it (core/v1/types.go Taint).
package struct Taint: Codable, Hashable, Sendable {
    package enum Effect: String, Codable, Sendable, CaseIterable {
        case noSchedule = "NoSchedule"
        case preferNoSchedule = "PreferNoSchedule"
        case noExecute = "NoExecute"
    }

    package var key: String
    /// Nil rather than empty, which JSON leaves out.
    package var value: String?
    package var effect: Effect

    package init(key: String, value: String? = nil, effect: Effect) {
        self.key = key
        self.value = value.flatMap { $0.isEmpty ? nil : $0 }
        self.effect = effect
    }

    /// Parses `key=value:Effect` or `key:Effect` (`--register-with-taints`; pkg/util/taints/taints.go).
    ///
    /// - Throws: `SyntaxError` saying which part is wrong and what is allowed.
    package init(parsing text: String) throws(SyntaxError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let left = parts.first, let right = parts.last else {
            throw Self.error(text, "there is not exactly one ':'")
        }
        guard let effect = Effect(rawValue: String(right)) else { throw Self.error(text, "\"\(right)\" is no effect") }
        let pair = left.split(separator: "=", omittingEmptySubsequences: false)
        guard pair.count <= 2 else { throw Self.error(text, "there is more than one '='") }
        let key = String(pair.first ?? "")
        let value = pair.count == 2 ? String(pair.last ?? "") : ""
        do throws(SyntaxError) {
            try LabelSyntax.validate(key: key, value: value)
        } catch {
            throw Self.error(text, error.problem)
        }
        self.init(key: key, value: value, effect: effect)
    }

    private static func error(_ text: String, _ problem: String) -> SyntaxError {
        SyntaxError(
            text, isNot: "a taint", problem: problem,
            allowed: "key=value:Effect or key:Effect, the effect being "
                + Effect.allCases.map(\.rawValue).joined(separator: ", "))
    }
}

extension Taint: CustomStringConvertible {
    package var description: String {
        key + (value.map { "=" + $0 } ?? "") + ":" + effect.rawValue
    }
}

/// The taints that the control plane derives from a node's conditions
/// (pkg/controller/nodelifecycle/node_lifecycle_controller.go).
package enum DerivedTaint {
    /// An Unknown pressure gives none, as there.
    package static func compute(_ conditions: [NodeCondition]) -> [Taint] {
        conditions.flatMap { condition -> [Taint] in
            switch (condition.type, condition.status) {
            case (.ready, .isFalse): both("node.kubernetes.io/not-ready")
            case (.ready, .unknown): both("node.kubernetes.io/unreachable")
            case (.memoryPressure, .isTrue): [Taint(key: "node.kubernetes.io/memory-pressure", effect: .noSchedule)]
            case (.diskPressure, .isTrue): [Taint(key: "node.kubernetes.io/disk-pressure", effect: .noSchedule)]
            case (.pidPressure, .isTrue): [Taint(key: "node.kubernetes.io/pid-pressure", effect: .noSchedule)]
            default: []
            }
        }
    }

    private static func both(_ key: String) -> [Taint] {
        [Taint(key: key, effect: .noSchedule), Taint(key: key, effect: .noExecute)]
    }
}
