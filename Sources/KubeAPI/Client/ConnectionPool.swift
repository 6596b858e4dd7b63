// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// One set of connections, all made with the same credentials to the same address. It is replaced as a whole; requests
/// that run on an old one hold it until they are done, and with the last of them its idle connections are closed.
final class ConnectionPool: Sendable {
    /// What the connections of one pool have in common.
    struct Key: Equatable, Sendable {
        var revision: Int
        /// An IP address; nil: the host is one itself.
        var address: String?
        /// Counts the wishes to have connections closed.
        var epoch: Int
    }

    let key: Key
    let client: HTTPClient

    init(
        key: Key, connection: KubeConnection, material: TLSMaterial, options: KubeClient.Options,
        eventLoops: any EventLoopGroup
    ) {
        self.key = key
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: material.configuration, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(options.connectTimeout), read: nil),
            connectionPool: .init(
                idleTimeout: TimeAmount(options.idleTimeout),
                concurrentHTTP1ConnectionsPerHostSoftLimit: options.maximumConnections),
            decompression: .disabled)
        // HTTP/1.1: with HTTP/2 a dead connection outlives the requests that time out on it.
        configuration.httpVersion = .http1Only
        // Its retries would go on until the connect timeout and hide the reason; trying again is the caller's business.
        configuration.connectionPool.retryConnectionEstablishment = false
        // The only way to a name on the certificate that is not the host of the connection.
        if let proxy = connection.proxy {
            let authorization = proxy.credentials.map { secret in
                HTTPClient.Authorization.basic(credentials: Base64.encode(secret.bytes))
            }
            configuration.proxy = .server(
                host: key.address ?? proxy.host, port: proxy.port, authorization: authorization)
            if let name = connection.tlsServerName { configuration.dnsOverride = [name: connection.server.host] }
        } else if let address = key.address {
            configuration.dnsOverride = [connection.verifiedName: address]
        } else if let name = connection.tlsServerName {
            configuration.dnsOverride = [name: connection.server.host]
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(eventLoops), configuration: configuration)
    }

    deinit {
        // The client insists on it, and nobody can wait here.
        let client = client
        Task.detached { try? await client.shutdown() }
    }
}
