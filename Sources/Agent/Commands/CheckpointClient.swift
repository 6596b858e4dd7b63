// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import CRI
internal import Configuration
internal import NIOCore
internal import NIOHTTP1

/// Speaks with a running agent about checkpoints, over its root-only socket.
struct CheckpointClient: Sendable {
    struct Answer: Sendable {
        var status: UInt
        var job: String?
        var body: [UInt8]

        /// One line, whatever it holds.
        var text: String {
            String(String(decoding: body, as: UTF8.self).map { $0.isNewline ? " " : $0 })
                .trimmingSuffix { $0 == " " }
        }
    }

    /// The largest answer that is taken.
    private static let limit = 8 * 1_024 * 1_024
    /// The agent gives every caller an answer in time; this only bounds what it could be asked for.
    private static let longest: TimeAmount = .hours(24 * 365)

    let socketPath: String

    /// - Throws: `AgentError` when no agent answers.
    func create(_ names: [String], seconds: Int64?, isDryRun: Bool, name: String?) async throws -> Answer {
        var query: [String] = []
        if let seconds { query.append("timeout=\(seconds)") }
        if isDryRun { query.append("dryRun=All") }
        if let name { query.append("request=\(name)") }
        let path = "/checkpoint/" + names.map(\.percentEncoded).joined(separator: "/")
        return try await send(.POST, path + (query.isEmpty ? "" : "?" + query.joined(separator: "&")), Self.longest)
    }

    /// - Throws: `AgentError` when no agent answers, or not with a list of jobs.
    func jobs(request: String?) async throws -> ConfigurationValue {
        let answer = try await send(.GET, "/checkpoints/jobs" + (request.map { "?request=\($0)" } ?? ""), .seconds(10))
        guard answer.status == 200 else { throw AgentError("the agent answered \(answer.status) \(answer.text)") }
        return try JSONText.parse(answer.body)
    }

    private func send(_ method: HTTPMethod, _ target: String, _ timeout: TimeAmount) async throws -> Answer {
        let place = StatusClient.Place.socket(socketPath)
        var request = HTTPClientRequest(url: place.url(of: target))
        request.method = method
        // A socket has no host to name, HTTP/1.1 wants one all the same.
        request.headers.add(name: "host", value: "localhost")
        request.headers.add(name: "user-agent", value: "nodekeep/\(Version.current)")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: timeout)
            let body = try await response.body.collect(upTo: Self.limit)
            return Answer(
                status: response.status.code, job: response.headers.first(name: "nodekeep-job"),
                body: Array(body.readableBytesView))
        } catch {
            throw AgentError("\(place): \(StatusClient.reason(error)); is nodekeep running, and are you root?")
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ drop: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, drop(last) { rest.removeLast() }
        return String(rest)
    }
}
