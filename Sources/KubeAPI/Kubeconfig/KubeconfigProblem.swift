// SPDX-License-Identifier: Apache-2.0

/// Why a kubeconfig, or a file that it names, cannot be used. Its description is one line and holds no secret.
package struct KubeconfigProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kubeconfig, or where else the settings come from.
    package var file: String
    /// Nil: it is not about one line.
    package var line: Int?
    /// `users["node"].client-key`; empty where the whole file is meant.
    package var field: String
    /// What is wrong, and what to do.
    package var explanation: String

    package init(file: String, line: Int? = nil, field: String = "", _ explanation: String) {
        self.file = file
        self.line = line
        self.field = field
        self.explanation = explanation
    }

    package var description: String {
        var text = line.map { "\(file):\($0): " } ?? "\(file): "
        if !field.isEmpty { text += "\(field): " }
        return text + explanation
    }
}
