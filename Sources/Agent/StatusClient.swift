// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import CRI
internal import Glibc
internal import NIOCore
internal import NIOHTTP1

/// Asks a running agent for a page: over its socket, or over HTTP.
struct StatusClient {
    /// The largest answer that is taken.
    private static let limit = 32 * 1_024 * 1_024
    private static let timeout: TimeAmount = .seconds(10)

    /// Where the agent is, in the order in which the places are tried.
    let places: [Place]

    enum Place: CustomStringConvertible {
        case socket(String)
        case server(String)

        var description: String {
            switch self {
            case .socket(let path): "unix:\(path)"
            case .server(let address): address
            }
        }

        /// The URL of a page there; nil when the place makes no URL.
        func url(of page: String) -> String {
            switch self {
            case .socket(let path): "http+unix://" + path.percentEncoded + page
            case .server(let address): (address.hasSuffix("/") ? String(address.dropLast()) : address) + page
            }
        }
    }

    /// The system's own word for a failed call; the client's error wraps it in names of its functions.
    static func reason(_ error: any Error) -> String {
        (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }

    /// - Throws: `AgentError` naming every place that was tried and why it did not answer.
    func get(_ page: String) async throws -> [UInt8] {
        var failures: [String] = []
        for place in places {
            do {
                var request = HTTPClientRequest(url: place.url(of: page))
                // A socket has no host to name, HTTP/1.1 wants one all the same.
                if case .socket = place { request.headers.add(name: "host", value: "localhost") }
                let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
                let body = try await response.body.collect(upTo: Self.limit)
                guard response.status.code == 200 else {
                    throw AgentError("\(place) answered \(response.status.code) \(String(buffer: body))")
                }
                return Array(body.readableBytesView)
            } catch let error as AgentError {
                throw error
            } catch {
                failures.append("\(place): \(Self.reason(error))")
            }
        }
        throw AgentError("no agent answers: " + failures.joined(separator: "; ") + "; is nodekeep running?")
    }
}
