// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Access
internal import Gate
internal import Glibc
internal import NodeStatus
internal import Synchronization

/// Whether a request is answered with what it asks for.
enum Verdict: Equatable, Sendable {
    /// - by: what allows it, for the records.
    /// - until: on the monotonic clock, how long the same request gets the same verdict; nil: no limit is known.
    case allowed(Identity?, by: String, until: Duration?)
    case refused(AccessRefusal)
}

/// Finds out who asks, and whether he may. Web hands over what a request has brought; what that is worth is found here.
final class Gatekeeper: Sendable {
    /// Nil: nobody can be told from anybody, so there is no main listener.
    private let control: Mutex<AccessControl?>
    /// Who runs the agent can do all that it can.
    private let ownUser: UInt32

    init(_ control: AccessControl?, ownUser: UInt32 = geteuid()) {
        self.control = Mutex(control)
        self.ownUser = ownUser
    }

    func replace(with new: AccessControl?) { control.withLock { $0 = new } }

    var current: AccessControl? { control.withLock { $0 } }

    /// What can be said without waiting for anybody; nil: ``verdict(_:_:now:date:)`` must be awaited.
    func immediateVerdict(
        _ request: GateRequest, _ attributes: AccessAttributes, now: Duration, date: Timestamp
    ) -> Verdict? {
        switch (request.listener, request.peer) {
        case (.local, _):
            return .allowed(nil, by: "the local listener", until: nil)
        case (.socket, .unix(_, 0, _)):
            return .allowed(.localRoot, by: "root on this node", until: nil)
        case (.socket, .unix(_, ownUser, let group)):
            return .allowed(.localUser(ownUser, group: group), by: "the agent's own user", until: nil)
        case (.socket, .tcp), (.main, .unix):
            return .refused(.unauthenticated(reason: "the connection is not what its listener takes"))
        case (.socket, .unix), (.main, .tcp):
            break
        }
        guard let control = current else { return .refused(Self.closed(request)) }
        let credentials = Self.credentials(request)
        switch control.cachedAuthentication(credentials, now: now, date: date) {
        case nil: return nil
        case .anonymousRefused: return .refused(.unauthenticated(reason: "no credential"))
        case .rejected(let reason): return .refused(.unauthenticated(reason: reason))
        case .authenticated(let identity, let until):
            return control.cachedDecision(identity, attributes, now: now).map { Self.verdict(identity, until, $0) }
        }
    }

    /// The same where a certificate has to be verified first, or an API server asked.
    func verdict(
        _ request: GateRequest, _ attributes: AccessAttributes, now: @Sendable () -> Duration, date: Timestamp
    ) async -> Verdict {
        if let known = immediateVerdict(request, attributes, now: now(), date: date) { return known }
        guard let control = current else { return .refused(Self.closed(request)) }
        let generation = control.generation
        switch await control.authenticate(Self.credentials(request), now: now(), date: date) {
        case .anonymousRefused: return .refused(.unauthenticated(reason: "no credential"))
        case .rejected(let reason): return .refused(.unauthenticated(reason: reason))
        case .authenticated(let identity, let until):
            let decision = await control.authorize(identity, attributes, now: now())
            // What was revoked meanwhile is granted once, and not for longer.
            let limit = control.generation == generation && control === current ? until : now()
            return Self.verdict(identity, limit, decision)
        }
    }

    private static func verdict(_ identity: Identity, _ until: Duration?, _ decision: Decision) -> Verdict {
        switch decision {
        case .allowed(let rule, let limit):
            .allowed(identity, by: rule, until: [until, limit].compactMap(\.self).min())
        case .denied(let reason): .refused(.forbidden(identity, reason: reason))
        case .failed(let reason): .refused(.undecided(identity, reason: reason))
        }
    }

    private static func closed(_ request: GateRequest) -> AccessRefusal {
        guard case .unix(_, let user, let group) = request.peer else {
            return .unauthenticated(reason: "no authenticator is configured")
        }
        return .forbidden(
            .localUser(user, group: group),
            reason: "nothing says what others than root may do: no authenticator is configured")
    }

    private static func credentials(_ request: GateRequest) -> Credentials {
        let peer: AccessPeer =
            switch request.peer {
            case .unix(let process, let user, let group): .unix(processID: process, userID: user, groupID: group)
            case .tcp: .tcp
            }
        return Credentials(
            peer: peer, clientCertificates: request.clientCertificates,
            authorization: request.headers.first { $0.name == "authorization" }?.value)
    }
}
