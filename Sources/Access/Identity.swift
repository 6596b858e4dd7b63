// SPDX-License-Identifier: Apache-2.0

/// How somebody has proved who they are. The raw values are for logs and audit records.
package enum AuthenticationMethod: String, CaseIterable, Sendable {
    case x509
    case staticToken
    case nodekeepToken
    case webhook
    case peer
    case anonymous
}

/// Who is asking, after authentication. The fields are those of Kubernetes' `UserInfo`.
package struct Identity: Equatable, Hashable, Sendable {
    package var name: String
    package var uid: String?
    package var groups: [String]
    package var extra: [String: [String]]
    package var method: AuthenticationMethod

    package init(
        name: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:],
        method: AuthenticationMethod
    ) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
        self.method = method
    }

    /// User 0 at the local socket. It owns the node, so no rule could keep anything from it.
    package static let localRoot = Identity(name: "root", uid: "0", groups: ["system:masters"], method: .peer)

    /// Somebody without a credential, where that is allowed.
    package static let anonymous = Identity(
        name: "system:anonymous", groups: ["system:unauthenticated"], method: .anonymous)

    /// Another user at the local socket. `system:authenticated` is not among its groups: the node's users are not the
    /// cluster's, and what a rule gives to everybody whom the cluster knows is not theirs.
    package static func localUser(_ userID: UInt32, group groupID: UInt32) -> Identity {
        Identity(name: "uid:\(userID)", uid: String(userID), groups: ["gid:\(groupID)"], method: .peer)
    }

    /// Somebody of this name as the agent would see him, for asking what he may do.
    package static func supposed(_ name: String, groups: [String]) -> Identity {
        if name.hasPrefix("uid:") { return Identity(name: name, groups: groups, method: .peer) }
        let method: AuthenticationMethod = name == anonymous.name ? .anonymous : .x509
        return Identity(name: name, groups: groups, method: method).withAuthenticatedGroup
    }

    /// The local root, whom everything is allowed. The name alone proves nothing: a certificate may have it as well.
    package var isLocalRoot: Bool { method == .peer && name == Identity.localRoot.name }

    /// With the group of everybody who has authenticated, added under the conditions of Kubernetes
    /// (apiserver/pkg/authentication/group/authenticated_group_adder.go).
    package var withAuthenticatedGroup: Identity {
        let hasOne = groups.contains { $0 == "system:authenticated" || $0 == "system:unauthenticated" }
        if hasOne || name == Identity.anonymous.name { return self }
        var identity = self
        identity.groups.append("system:authenticated")
        return identity
    }
}

/// What a name may be that comes from a certificate, a file or a webhook. It ends up in logs, audit records and caches.
enum IdentityNames {
    static let maximumBytes = 1_024
    static let maximumGroups = 1_000
    static let maximumExtra = 256

    /// Why somebody cannot be called this; nil: nothing is wrong.
    ///
    /// - Parameter showsNames: false where what looks like a name may be a token in the wrong column.
    static func problem(_ identity: Identity, showsNames: Bool = true) -> String? {
        func shown(_ name: String) -> String { showsNames ? " " + quoted(name) : "" }
        if identity.name.hasPrefix("uid:") {
            return "the user name\(shown(identity.name)) is that of a user at the local socket (uid:…)"
        }
        if let problem = problem(identity.name) { return "the user name\(shown(identity.name)) \(problem)" }
        guard identity.groups.count <= maximumGroups else {
            return "there are \(identity.groups.count) groups; \(maximumGroups) is the limit"
        }
        for group in identity.groups {
            if group.hasPrefix("gid:") { return "the group\(shown(group)) is one of the local socket (gid:…)" }
            if let problem = problem(group) { return "the group\(shown(group)) \(problem)" }
        }
        let others = [identity.uid ?? ""] + identity.extra.flatMap { [$0.key] + $0.value }
        guard others.count <= maximumExtra, others.allSatisfy({ $0.utf8.count <= maximumBytes }) else {
            return "the uid or the extra fields are too long"
        }
        return nil
    }

    private static func problem(_ name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > maximumBytes { return "is longer than \(maximumBytes) bytes" }
        return name.unicodeScalars.contains(where: \.isUnprintable) ? "has control characters in it" : nil
    }
}
