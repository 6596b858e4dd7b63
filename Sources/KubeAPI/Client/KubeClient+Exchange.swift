// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

extension KubeClient {
    /// Of an answer that says what went wrong, no more than this is read.
    private static let errorLimit = 65_536

    /// One request on one connection.
    ///
    /// - Parameter address: An IP address; nil: the host is one.
    func exchange(
        _ request: KubeRequest, _ target: String, _ call: CallName, _ timeout: Duration, _ progress: Progress,
        _ current: CredentialStore.Current, address: String?
    ) async -> Result<KubeAnswer, KubeError> {
        guard let pool = pool(current, address: address) else {
            return .failure(KubeError(.closed, "\(call): not sent, the client has been shut down"))
        }
        progress.state.withLock { $0.phase = "without an answer" }
        let answer: RawAnswer
        do {
            // The time is kept in `send`, which ends this by cancelling it; the library's own deadline comes later, or
            // chance would decide which of the two is told.
            let response = try await pool.client.execute(
                wire(request, target, current.reading.token), deadline: .now() + TimeAmount(timeout) + .seconds(60))
            progress.state.withLock {
                $0.phase = "in the middle of the answer"
                $0.isUnanswered = false
            }
            let isGood = (200...299).contains(response.status.code)
            let limit = isGood ? request.answerLimit ?? options.answerLimit : Self.errorLimit
            answer = RawAnswer(response, try await body(of: response, limit: limit))
            // With the last that holds it go its connections, and the answer that is still coming.
            withExtendedLifetime(pool) {}
        } catch {
            return .failure(
                await failure(error, call, progress, current, address: address ?? connection.server.host))
        }
        return answer.judged(request, call, current.reading.token, options)
    }

    private func wire(_ request: KubeRequest, _ target: String, _ token: Secret?) -> HTTPClientRequest {
        // The library takes the name for TLS from the URL, so it is the one on the certificate; where the connection goes
        // is the pool's.
        let name = connection.tlsServerName.map { "\($0):\(connection.server.port)" } ?? connection.server.authority
        var wire = HTTPClientRequest(url: "https://\(name)\(connection.server.prefix)\(target)")
        wire.method = HTTPMethod(rawValue: request.method.rawValue)
        wire.headers.add(name: "host", value: connection.server.authority)
        wire.headers.add(name: "user-agent", value: "nodekeep/\(options.version)")
        wire.headers.add(name: "accept", value: request.accept == .json ? "application/json" : "*/*")
        if let token {
            wire.headers.add(name: "authorization", value: "Bearer " + String(decoding: token.bytes, as: UTF8.self))
        }
        if let body = request.body {
            wire.headers.add(name: "content-type", value: request.contentType.rawValue)
            wire.body = .bytes(ByteBuffer(bytes: body))
        }
        return wire
    }

    /// Nil: more than the limit. What is not read ends with its connection.
    private func body(of response: HTTPClientResponse, limit: Int) async throws -> [UInt8]? {
        if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit {
            return nil
        }
        var whole = ByteBuffer()
        for try await part in response.body {
            guard part.readableBytes <= limit - whole.readableBytes else { return nil }
            whole.writeImmutableBuffer(part)
        }
        // A stream may end instead of throwing when its task is cancelled, and half an answer is none.
        try Task.checkCancellation()
        return Array(buffer: whole)
    }

    private func failure(
        _ error: any Error, _ call: CallName, _ progress: Progress, _ current: CredentialStore.Current, address: String
    ) async -> KubeError {
        if Task.isCancelled { return KubeError(.cancelled, "\(call): given up") }
        let failure = TransportFailure(error, options)
        let at = address == connection.server.host ? "" : " at \(address)"
        let hint = credentials.problem.map { "; besides, \($0)" } ?? ""
        let plain = KubeError(failure.kind, "\(call): \(failure.text)\(at)\(hint)")
        guard failure.isServerCertificate, connection.proxy == nil else { return plain }
        progress.state.withLock { $0.failure = plain }
        let fault = await inspections.fault(at: address, revision: current.revision) {
            await ServerCertificate.fault(
                at: address, port: self.connection.server.port, connection: self.connection,
                material: current.reading.material, date: self.clock.date(), limit: self.options.connectTimeout,
                eventLoops: self.eventLoops)
        }
        return fault.map { KubeError(failure.kind, "\(call): \($0)\(at)\(hint)") } ?? plain
    }
}

/// An answer as it came.
private struct RawAnswer {
    let status: Int
    let headers: HTTPHeaders
    /// Nil: more than the limit.
    let body: [UInt8]?

    init(_ response: HTTPClientResponse, _ body: [UInt8]?) {
        status = Int(response.status.code)
        headers = response.headers
        self.body = body
    }

    func judged(
        _ request: KubeRequest, _ call: CallName, _ token: Secret?, _ options: KubeClient.Options
    ) -> Result<KubeAnswer, KubeError> {
        guard (200...299).contains(status) else { return .failure(refusal(request.method, call, token)) }
        guard let body else {
            let limit = request.answerLimit ?? options.answerLimit
            return .failure(KubeError(.answerTooLarge, "\(call): the answer is larger than \(limit) bytes"))
        }
        if let encoding = headers.first(name: "content-encoding"), encoding.lowercased() != "identity" {
            return .failure(
                KubeError(
                    .malformedAnswer,
                    "\(call): the answer is compressed (\(ForeignText.line(encoding, limit: 32))), which was not asked for"
                ))
        }
        let type = headers.first(name: "content-type") ?? ""
        let media = ForeignText.line(String(type.split(separator: ";").first ?? ""), limit: 64).lowercased()
        if request.accept == .json, !body.isEmpty, media != "application/json" {
            return .failure(
                KubeError(
                    .malformedAnswer,
                    "\(call): \(media.isEmpty ? "an answer without a content type" : media) instead of "
                        + "application/json: is that an API server?"))
        }
        return .success(KubeAnswer(status: status, body: body))
    }

    private func refusal(_ method: KubeRequest.Method, _ call: CallName, _ token: Secret?) -> KubeError {
        let object = KubeStatus(body: body ?? [])
        let error = KubeError(
            .status, "\(call): \(status)\(words(object))", httpStatus: status, method: method, status: object,
            retryAfter: retryAfter(object))
        let texts = [error.description] + (object?.causes ?? []).flatMap { [$0.message, $0.field] }
        guard let token, token.leaks(into: texts.joined(separator: " ")) else { return error }
        return KubeError(
            .status, "\(call): \(status) (the server's words hold our token and are not repeated)", httpStatus: status,
            method: method, retryAfter: error.retryAfter)
    }

    /// With what leads from the status to them; empty: there are none.
    private func words(_ object: KubeStatus?) -> String {
        if (300...399).contains(status) {
            let location = ForeignText.line(headers.first(name: "location") ?? "nowhere", limit: 128)
            return ", which leads to \(location) and is not followed: give the API server's own address"
        }
        guard let object else {
            // The API server's own filters, and what stands before it, answer with plain text or a page.
            let text = ForeignText.line(String(decoding: (body ?? []).prefix(1_024), as: UTF8.self), limit: 200)
            return text.isEmpty ? "" : ": \(text)"
        }
        let message = object.message.isEmpty ? object.reason : object.message
        return message.isEmpty ? "" : ": \(message)"
    }

    /// Whole seconds only, as client-go reads it; the header wins.
    private func retryAfter(_ object: KubeStatus?) -> Duration? {
        let header = headers.first(name: "retry-after").flatMap { text in
            text.utf8.count <= 9 && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
        }
        guard let seconds = header ?? object?.retryAfterSeconds, seconds >= 0, header != nil || seconds > 0 else {
            return nil
        }
        return .seconds(min(seconds, 3_600))
    }
}
