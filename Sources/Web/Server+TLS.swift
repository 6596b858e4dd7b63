// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate

extension Server {
    // MARK: Identity and handshakes

    /// Makes it the identity of every connection from now on. The one before it lives until its last connection has ended.
    func use(_ identity: inout ServerIdentity) {
        do throws(TLSIdentity.Failure) {
            self.identity = try TLSIdentity(identity)
        } catch {
            let kept = self.identity == nil ? "handshakes go on failing" : "the one before it stays"
            log(.error, "the server identity for TLS cannot be used, \(kept): \(error)")
        }
        identity.privateKey.wipe()
        revokeGrants()
    }

    /// Sets the session up before its first byte. Nil: the library has none, and nothing can be read from it.
    func beginTLS(_ handle: OpaquePointer) -> TLSConnection? {
        nodekeep_mhd_tls_session(handle).map { TLSConnection(session: OpaquePointer($0), identity: identity) }
    }

    /// Suspends a connection whose handshake waits for the client.
    func park(_ connection: Connection) {
        connection.isParked = true
        parked.append(connection)
        MHD_suspend_connection(connection.handle)
    }

    /// Lets the library go on with these handshakes.
    func unpark(_ connections: [Connection]) {
        guard !connections.isEmpty else { return }
        for connection in connections {
            connection.isParked = false
            connection.listener.unpark(connection)
        }
        parked.removeAll { !$0.isParked }
    }

    /// Says of a connection that is ending why there never was a request on it, unless we have ended it ourselves.
    func reportHandshake(_ connection: Connection) {
        guard let tls = connection.tls, tls.progress != .done, !connection.isShut, drainDeadline == nil else { return }
        let reason =
            switch tls.progress {
            case _ where tls.identity == nil: "there is no certificate yet"
            case .nothing: "no TLS came from there: plain HTTP, or somebody who only looks whether the port is open"
            default:
                "its protocol versions, ciphers or certificate cannot be used here, or it has refused ours and hung up"
            }
        let client =
            if case .tcp(let address, let port)? = connection.peer { "\(address) port \(port)" } else { "somebody" }
        log(.info, "the TLS handshake with \(client) has failed: \(reason)")
    }

    // MARK: Grants

    /// Whether a page may be answered from memory: on the socket only to who may read everything, on the main listener only
    /// what this connection has been allowed.
    func holdsGrant(_ connection: Connection, _ head: RequestHead) -> Bool {
        switch connection.listener.kind {
        case .local: return true
        case .socket:
            guard case .unix(_, let user, _) = connection.credentials else { return false }
            return user == 0 || user == ownUser
        case .main: return connection.grants.allow(connection.target, head.authorization, now: now)
        }
    }

    /// Remembers what the agent allows along with its answer to the request that waits.
    func grant(_ connection: Connection, milliseconds: UInt32) {
        guard milliseconds > 0, connection.listener.kind == .main, let head = connection.head, head.mayUsePage else {
            return
        }
        connection.grants.add(connection.target, head.authorization, until: now &+ Milliseconds(milliseconds))
    }

    func revokeGrants() {
        for listener in listeners {
            for connection in listener.connections {
                connection.grants.removeAll()
            }
        }
    }
}
