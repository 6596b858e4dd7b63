// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// What the HTTP client's errors mean.
struct TransportFailure {
    var kind: KubeError.Kind
    var text: String
    /// The server's certificate is at fault, and a closer look at it would tell more.
    var isServerCertificate = false

    /// - Parameter options: For the limits that messages name.
    init(_ error: any Error, _ options: KubeClient.Options) {
        if let words = TLSFailure.words(for: error) {
            (kind, text, isServerCertificate) = (.tls, words.text, words.isServerCertificate)
            return
        }
        switch error {
        case is CancellationError: (kind, text) = (.cancelled, "given up")
        case NIOSSLError.uncleanShutdown:
            (kind, text) = (.connectionLost, "the connection was cut before the answer was complete")
        case let error as HTTPClientError: (kind, text) = Self.words(for: error, options)
        case let error as IOError: (kind, text) = Self.words(for: error)
        case let error as NIOConnectionError:
            let inner = error.connectionErrors.first?.error
            (kind, text) = (inner as? IOError).map { Self.words(for: $0) } ?? (.connect, ForeignText.line("\(error)"))
        case HTTPParserError.invalidEOFState:
            (kind, text) = (.connectionLost, "the connection ended before the answer was complete")
        case is HTTPParserError: (kind, text) = (.malformedAnswer, "the answer is not HTTP")
        case is ChannelError: (kind, text) = (.connectionLost, "the connection broke before the answer was complete")
        default: (kind, text) = (.other, ForeignText.line("\(error)"))
        }
    }

    private static func words(
        for error: HTTPClientError, _ options: KubeClient.Options
    ) -> (KubeError.Kind, String) {
        switch error {
        // Which of the two comes first is chance: the pool's limit for the request is that of the connection.
        case .connectTimeout, .tlsHandshakeTimeout:
            (.connect, "no connection within \(options.connectTimeout): no answer to TCP, or none to TLS's handshake")
        case .httpProxyHandshakeTimeout: (.connect, "the proxy did not answer within \(options.connectTimeout)")
        case .proxyAuthenticationRequired: (.connect, "the proxy wants a user and a password: see proxy-url")
        case .invalidProxyResponse: (.connect, "the proxy refused to connect to the server")
        case .deadlineExceeded: (.timeout, "no answer in time")
        case .getConnectionFromPoolTimeout:
            (.busy, "all \(options.maximumConnections) connections were in use for \(options.connectTimeout)")
        case .remoteConnectionClosed: (.connectionLost, "the server closed the connection without a complete answer")
        case .cancelled: (.cancelled, "given up")
        case .alreadyShutdown: (.closed, "the client has been shut down")
        default: (.other, ForeignText.line(error.shortDescription))
        }
    }

    private static func words(for error: IOError) -> (KubeError.Kind, String) {
        let reason = String(cString: strerror(error.errnoCode))
        if error.errnoCode == ECONNREFUSED { return (.connect, "\(reason): nothing listens there") }
        // Only where nothing can have been sent may another address be tried, and the numbers alone do not tell: a
        // connection that was made may time out as well. NIO begins with the name of the call.
        let text = error.description
        let isBefore = ["socket(", "connect(", "finishing a non-blocking connect"].contains { text.hasPrefix($0) }
        return isBefore ? (.connect, reason) : (.connectionLost, "the connection was cut: \(reason)")
    }
}
