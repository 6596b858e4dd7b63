// SPDX-License-Identifier: Apache-2.0
internal import Posix

/// Why the agent cannot start or go on, worded for the operator: what failed, on which name, why, what to do.
package struct AgentError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    /// `what name: why`, with the C library's word for `code`.
    package init(_ what: String, _ name: String, code: Int32, hint: String = "") {
        description = failedCall(what, name, code: code, hint: hint)
    }
}
