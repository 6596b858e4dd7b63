// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate

extension Server {
    // MARK: What the library tells

    func opened(_ handle: OpaquePointer, on listener: Listener) -> Connection {
        let descriptor = nodekeep_mhd_socket(handle)
        lastConnection &+= 1
        let connection = Connection(
            id: lastConnection, listener: listener, handle: handle, descriptor: descriptor,
            credentials: listener.kind == .socket ? unixPeer(descriptor) : nil,
            tls: listener.kind == .main ? beginTLS(handle) : nil, turn: nextTurn(),
            deadline: now &+ Milliseconds(configuration.requestTimeout))
        connection.tls?.connection = connection
        listener.add(connection)
        counters.connectionsAccepted &+= 1
        // The next sweep looks whether it is still unfinished.
        expect(now)
        if listener.connections.count > Int(configuration.maximumConnections),
            let victim = listener.connectionToEvict(sparing: connection)
        {
            counters.connectionsEvicted &+= 1
            victim.shut()
        }
        return connection
    }

    private func nextTurn() -> UInt64 {
        turn &+= 1
        return turn
    }

    func closed(_ connection: Connection) {
        reportHandshake(connection)
        connection.phase = .gone
        connection.listener.remove(connection)
    }

    /// The request line is there: from now on the rest of the request is awaited.
    func began(_ connection: Connection, target: UnsafeBufferPointer<UInt8>) {
        connection.target.removeAll(keepingCapacity: true)
        connection.target.append(contentsOf: target)
        connection.head = nil
        connection.isCancelled = false
        // A first request has its time from the moment of the connect: it cannot be stretched by a slow request line.
        if case .idle = connection.phase {
            connection.deadline = now &+ Milliseconds(configuration.requestTimeout)
            expect(now)
        }
        connection.phase = .receiving
    }

    /// The answer has been written, or the connection is ending.
    func completed(_ connection: Connection) {
        connection.phase = .idle
        connection.lastUsed = nextTurn()
        connection.deadline = now &+ Milliseconds(configuration.idleTimeout)
        expect(connection.deadline)
        if !connection.isListed {
            connection.isListed = true
            answered.append(connection)
        }
        if drainDeadline != nil {
            connection.shut()
        }
    }

    // MARK: The handler

    /// - Returns: False to have the connection closed.
    func handle(
        _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>,
        uploadSize: UnsafeMutablePointer<Int>
    ) -> Bool {
        switch connection.phase {
        case .receiving:
            guard let head = connection.head else {
                let outcome = RequestCheck.run(
                    connection, method: method, version: version, maximumBodySize: configuration.maximumBodySize)
                switch outcome {
                case .success(let head):
                    if let tls = connection.tls, tls.clientCertificates == nil {
                        return refuse(connection, .certificateChain)
                    }
                    connection.head = head
                    return true
                case .failure(let error):
                    return refuse(connection, error.refusal)
                }
            }
            if uploadSize.pointee > 0 {
                uploadSize.pointee = 0
                return true
            }
            return answer(connection, head)
        case .resumed(.response(let response)):
            return answer(connection, with: response)
        case .resumed(.refusal(let refusal)):
            return refuse(connection, refusal)
        case .fresh, .idle, .waiting, .gone, .answering:
            return false
        }
    }

    private func answer(_ connection: Connection, _ head: RequestHead) -> Bool {
        let kind = connection.listener.kind
        if head.mayUsePage, holdsGrant(connection, head),
            let hit = pages.find(connection.target, on: kind, gzip: head.acceptsGzip, now: now)
        {
            // The page's own response: a 304 then says the length that a 200 would have.
            let isKnown = head.hasIfNoneMatch && !hit.page.tags.isEmpty && clientHas(hit.page.tags, connection)
            let status = isKnown ? 304 : hit.page.status
            pages.count(hit, on: kind, status: status)
            return queue(connection, status, hit.response)
        }
        return pass(connection, head)
    }

    private func clientHas(_ tags: [[UInt8]], _ connection: Connection) -> Bool {
        var search = TagSearch(tags: tags)
        withUnsafeMutablePointer(to: &search) { pointer in
            _ = MHD_get_connection_values_n(
                connection.handle, .HEADER_KIND, searchTags, UnsafeMutableRawPointer(pointer))
        }
        return search.isFound
    }

    private func answer(_ connection: Connection, with answer: GateResponse) -> Bool {
        guard let response = Response(body: answer.body) else { return false }
        for header in answer.headers {
            response.add(header.name, header.value)
        }
        return queue(connection, (200...599).contains(answer.status) ? answer.status : 500, response)
    }

    /// Answers with an error of our own. On the handler's first call this also closes the connection.
    func refuse(_ connection: Connection, _ refusal: Refusal) -> Bool {
        count(refusal)
        guard let response = Response(body: [UInt8](refusal.text.utf8)) else { return false }
        response.add("Content-Type", "text/plain; charset=utf-8")
        response.add("X-Content-Type-Options", "nosniff")
        if refusal == .busy || refusal == .shuttingDown {
            response.add("Retry-After", "1")
        }
        return queue(connection, refusal.status, response)
    }

    private func count(_ refusal: Refusal) {
        if let index = refusals.firstIndex(where: { $0.reason == refusal.reason && $0.status == refusal.status }) {
            refusals[index].count &+= 1
        } else {
            refusals.append(RefusedCount(reason: refusal.reason, status: refusal.status, count: 1))
        }
    }

    private func queue(_ connection: Connection, _ status: UInt16, _ response: Response) -> Bool {
        connection.phase = .answering
        connection.deadline = now &+ Milliseconds(configuration.responseTimeout)
        expect(connection.deadline)
        return MHD_queue_response(connection.handle, UInt32(status), response.handle) == .YES
    }
}

/// Looks for a page's tags in the `If-None-Match` fields of a request.
private struct TagSearch {
    let tags: [[UInt8]]
    var isFound = false
}

private func searchTags(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, key: UnsafePointer<CChar>?, keySize: Int,
    value: UnsafePointer<CChar>?, valueSize: Int
) -> MHD_Result {
    guard let search = context?.assumingMemoryBound(to: TagSearch.self) else { return .NO }
    if keySize == 13, bytes(key, keySize).equalsIgnoringCase("if-none-match"),
        EntityTags.match(bytes(value, valueSize), search.pointee.tags)
    {
        search.pointee.isFound = true
    }
    return search.pointee.isFound ? .NO : .YES
}
