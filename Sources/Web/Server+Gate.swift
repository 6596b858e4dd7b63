// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate

extension Server {
    // MARK: Requests to the agent

    /// Suspends the connection and hands its request to the agent.
    func pass(_ connection: Connection, _ head: RequestHead) -> Bool {
        guard drainDeadline == nil else { return refuse(connection, .shuttingDown) }
        guard waiting.count < Int(configuration.maximumPassedRequests), gate.pending < GateLink.crowded else {
            return refuse(connection, .busy)
        }
        var fields = PassedFields()
        withUnsafeMutablePointer(to: &fields) { pointer in
            _ = MHD_get_connection_values_n(
                connection.handle, .HEADER_KIND, collectField, UnsafeMutableRawPointer(pointer))
        }
        guard fields.isText else { return refuse(connection, .fieldValue) }
        guard let peer = connection.peer else { return false }
        let target = connection.target
        lastRequest &+= 1
        let request = GateRequest(
            id: lastRequest, listener: connection.listener.kind, peer: peer, method: head.method,
            path: String(decoding: target.prefix(head.pathSize), as: UTF8.self),
            query: head.pathSize < target.count
                ? String(decoding: target.dropFirst(head.pathSize + 1), as: UTF8.self) : nil,
            headers: fields.headers, connection: connection.id,
            clientCertificates: connection.tls?.clientCertificates ?? [])
        // Only a connection memory far over the default lets a request grow beyond a frame.
        guard gate.send(.request(request)) else { return refuse(connection, .tooManyFields) }
        counters.requestsPassed &+= 1
        connection.phase = .waiting(request.id)
        connection.deadline = now &+ Milliseconds(configuration.agentTimeout)
        expect(connection.deadline)
        waiting.append(connection)
        MHD_suspend_connection(connection.handle)
        return true
    }

    /// The client of a waiting request has closed its side.
    ///
    /// - Parameter completely: Both directions have ended; otherwise it may still read, and gets its answer if there is one.
    func clientLeft(_ connection: Connection, completely: Bool) {
        guard case .waiting(let id) = connection.phase else { return }
        if !connection.isCancelled {
            connection.isCancelled = true
            gate.send(.cancelled(id: id))
        }
        if completely {
            resume(connection, as: .gone)
        }
    }

    /// Wakes a suspended connection: the library then calls the handler again.
    func resume(_ connection: Connection, as phase: Connection.Phase) {
        guard case .waiting = connection.phase else { return }
        waiting.removeAll { $0 === connection }
        connection.phase = phase
        connection.deadline = now &+ Milliseconds(configuration.responseTimeout)
        expect(connection.deadline)
        connection.listener.needsRun = true
        MHD_resume_connection(connection.handle)
    }

    // MARK: Messages of the agent

    /// - Parameter message: Spent afterwards.
    func take(_ message: inout AgentMessage) throws(GateLink.Ended) {
        switch message {
        case .configure:
            throw .garbage(.badRequest("a second configuration"))
        case .serverIdentity(var identity):
            // The only copy, so that wiping its key wipes the key.
            message = .revokeGrants
            use(&identity)
        case .revokeGrants: revokeGrants()
        case .publish(let page):
            if !pages.publish(page, now: now) {
                log(.error, "the page \(page.path) with status \(page.status) cannot be served")
            }
        case .confirm: pages.confirm(now: now)
        case .expire(let paths): pages.expire(paths)
        case .respond(let response):
            if let connection = waitingConnection(response.id) {
                grant(connection, milliseconds: response.grantMilliseconds)
                resume(connection, as: .resumed(.response(response)))
            }
        case .await(let id, let milliseconds):
            if let connection = waitingConnection(id) {
                connection.deadline = now &+ Milliseconds(milliseconds)
                expect(connection.deadline)
            }
        case .ping(let token):
            // An agent that asks and does not read must not make this process grow: it gets the last answer when it does.
            owedPong = token
            answerPing()
        case .drain(let milliseconds): beginDrain(milliseconds)
        }
    }

    /// Nil: answered for the agent already, or its client has gone.
    private func waitingConnection(_ id: UInt64) -> Connection? {
        waiting.first { connection in
            if case .waiting(id) = connection.phase { true } else { false }
        }
    }

    func answerPing() {
        guard let token = owedPong, gate.pending < GateLink.crowded else { return }
        owedPong = nil
        let counters = currentCounters
        gate.send(.pong(token, counters))
        if trim.isDue(accepted: counters.connectionsAccepted, open: counters.connectionsOpen) { Trim.run() }
    }

    private var currentCounters: WebCounters {
        var counters = counters
        counters.connectionsOpen = listeners.reduce(0) { $0 &+ UInt64($1.connections.count) }
        counters.served = pages.counts
        counters.refused = refusals
        counters.deniedSystemCalls = DeniedCalls.count
        counters.lastDeniedSystemCall = DeniedCalls.last
        return counters
    }

    // MARK: The end

    private func beginDrain(_ milliseconds: UInt32) {
        guard drainDeadline == nil else { return }
        drainDeadline = now &+ Milliseconds(milliseconds)
        for listener in listeners {
            listener.quiesce()
            // What has already been sent to us is read before anybody is found idle.
            listener.run()
        }
    }

    var isDrained: Bool {
        if let drainDeadline, now >= drainDeadline { return true }
        return !listeners.contains { listener in
            listener.needsRun || listener.connections.contains { $0.isBusy && !$0.isShut }
        }
    }

    /// Answers who still waits and cuts the rest.
    func finishDrain() {
        for connection in waiting {
            resume(connection, as: .resumed(.refusal(.shuttingDown)))
        }
        unpark(parked)
        for listener in listeners {
            // A few rounds: resume, answer, write. A client that does not read cannot hold the process.
            for _ in 0..<8 {
                listener.run(parks: false)
            }
            listener.stop()
        }
    }
}

/// The fields of a request that pass the gate; list fields that came several times are joined.
private struct PassedFields {
    var headers: [HeaderField] = []
    var isText = true

    mutating func take(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        guard
            let known = GateRequest.passedHeaders.first(where: { known in
                known.utf8.count == name.count && zip(known.utf8, name).allSatisfy { $0 == lowered($1) }
            })
        else { return }
        guard let text = String(validating: value, as: UTF8.self) else {
            isText = false
            return
        }
        if let index = headers.firstIndex(where: { $0.name == known }) {
            headers[index].value += ", " + text
        } else {
            headers.append(HeaderField(known, text))
        }
    }
}

private func collectField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, key: UnsafePointer<CChar>?, keySize: Int,
    value: UnsafePointer<CChar>?, valueSize: Int
) -> MHD_Result {
    guard let fields = context?.assumingMemoryBound(to: PassedFields.self) else { return .NO }
    fields.pointee.take(name: bytes(key, keySize), value: bytes(value, valueSize))
    return .YES
}
