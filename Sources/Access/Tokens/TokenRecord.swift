// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// One token of nodekeep's own token file: everything but the token.
package struct TokenRecord: Equatable, Sendable {
    package var id: String
    package var user: String
    package var groups: [String]
    package var created: Timestamp
    /// Nil: it does not.
    package var expires: Timestamp?
    /// SHA-256 of the whole token.
    let hash: Fingerprint

    package func isExpired(at date: Timestamp) -> Bool { expires.map { $0 <= date } ?? false }

    var identity: Identity {
        Identity(name: user, groups: groups, method: .nodekeepToken).withAuthenticatedGroup
    }
}
