// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// CRI-O's HTTP interface, which it serves on the same socket (cri-o/cri-o server/inspect.go).
extension RuntimeClient {
    /// The largest body that is taken, bytes: its configuration is some tens of kilobytes.
    static let bodyLimit = 1_024 * 1_024

    /// `GET /unpause/<id>`. False: it was not paused, by what CRI-O remembers (409); the cgroup's freezer is the truth.
    package func unpauseWithCRIO(_ id: String, timeout: Duration) async throws(RuntimeError) -> Bool {
        guard !id.isEmpty, id.utf8.allSatisfy(Self.isOfIdentifier) else {
            throw RuntimeError(.invalidArgument, "\(id.bounded(to: 128)) is no container id")
        }
        let answer = try await get("/unpause/\(id)", timeout: timeout)
        switch answer.status {
        case 200: return true
        case 409: return false
        default: throw error(answer, of: "/unpause")
        }
    }

    /// `GET /config`: TOML text.
    package func configurationOfCRIO(timeout: Duration) async throws(RuntimeError) -> String {
        let answer = try await get("/config", timeout: timeout)
        guard answer.status == 200 else { throw error(answer, of: "/config") }
        return answer.body
    }

    private static func isOfIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func error(_ answer: (status: UInt, body: String), of page: String) -> RuntimeError {
        let text = answer.body.bounded(to: RuntimeError.messageLimit)
        return RuntimeError(
            answer.status == 404 ? .notFound : .unknown, "CRI-O answered \(answer.status) to GET \(page): \(text)")
    }

    private func get(_ page: String, timeout: Duration) async throws(RuntimeError) -> (status: UInt, body: String) {
        if let obstacle = UnixSocket.obstacle(at: socket) {
            throw RuntimeError(
                .unavailable, "no connection to CRI-O at \(socket) for GET \(page): \(obstacle)", isConnectionLoss: true
            )
        }
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        // Asked once in a long while: nothing of it is kept.
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(RuntimeTransport.eventLoops), configuration: configuration)
        let result: Result<(UInt, String), any Error>
        do {
            var request = HTTPClientRequest(url: "http+unix://" + socket.percentEncoded + page)
            request.headers.add(name: "host", value: "localhost")
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let body = try await response.body.collect(upTo: Self.bodyLimit)
            result = .success((response.status.code, String(buffer: body)))
        } catch {
            result = .failure(error)
        }
        try? await client.shutdown()
        switch result {
        case .success(let answer): return answer
        case .failure(let error): throw wrapped(error, page, timeout)
        }
    }

    private func wrapped(_ error: any Error, _ page: String, _ timeout: Duration) -> RuntimeError {
        if Task.isCancelled { return RuntimeError(.cancelled, "GET \(page) was cancelled") }
        switch error as? HTTPClientError {
        case .deadlineExceeded, .readTimeout, .connectTimeout, .requestStreamCancelled:
            return RuntimeError(.deadlineExceeded, "CRI-O at \(socket) did not answer GET \(page) within \(timeout)")
        default: break
        }
        if error is NIOTooManyBytesError {
            return RuntimeError(
                .resourceExhausted, "the answer to GET \(page) is larger than \(Self.bodyLimit >> 20) MiB")
        }
        return RuntimeError(
            .unavailable,
            "CRI-O at \(socket) did not answer GET \(page): \(error)".bounded(to: RuntimeError.messageLimit),
            isConnectionLoss: true)
    }
}
