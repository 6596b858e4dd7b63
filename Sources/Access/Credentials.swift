// SPDX-License-Identifier: Apache-2.0

/// Who is at the other end of a connection, as far as the kernel knows.
package enum AccessPeer: Equatable, Sendable {
    /// SO_PEERCRED of the local socket.
    case unix(processID: Int32, userID: UInt32, groupID: UInt32)
    case tcp
}

/// What a request brings to prove who sent it.
package struct Credentials: Sendable {
    package var peer: AccessPeer
    /// DER, the client's own first. TLS has proved that the client has its key, and nothing else.
    package var clientCertificates: [[UInt8]]
    /// The value of the header, of which there is at most one.
    package var authorization: String?

    package init(peer: AccessPeer, clientCertificates: [[UInt8]] = [], authorization: String? = nil) {
        self.peer = peer
        self.clientCertificates = clientCertificates
        self.authorization = authorization
    }
}

/// What came of a request's credentials.
package enum Authentication: Equatable, Sendable {
    /// `until`, on the monotonic clock: how long the same credentials give the same answer; nil: no limit is known.
    case authenticated(Identity, until: Duration?)
    /// There was no credential, and that is not enough here.
    case anonymousRefused
    /// The reason is for the log. It never holds the secret.
    case rejected(String)
}

/// Whether a request may have what it asks for.
package enum Decision: Equatable, Sendable {
    /// `by` names the rule or whoever else has allowed it; `until`, on the monotonic clock, as of ``Authentication``.
    case allowed(by: String, until: Duration?)
    case denied(String)
    /// Nobody could be asked.
    case failed(String)
}
