// SPDX-License-Identifier: Apache-2.0

import Gate

/// One of every message, with every field away from its default.
enum Samples {
    static let fromAgent: [AgentMessage] = [
        .configure(configuration),
        .serverIdentity(identity), .revokeGrants,
        .publish(page(.absent)), .publish(page(.worthless)), .publish(page(.body([31, 139, 0, 255]))),
        .confirm,
        .expire(paths: []), .expire(paths: ["/status", "/métrics"]),
        .respond(
            GateResponse(
                id: .max, status: 404, headers: [HeaderField("content-type", "text/plain")], body: [0, 1, 255],
                grantMilliseconds: 0x3132_3334)),
        .await(id: 0x1112_1314_1516_1718, milliseconds: 0x2122_2324),
        .ping(0x0102_0304_0506_0708),
        .drain(milliseconds: 5000),
    ]

    static let fromWeb: [WebMessage] = [
        .ready(processID: 4711),
        .request(request), .request(requestOverTCP), .request(requestOverTLS),
        .cancelled(id: 12),
        .used([]), .used([PageUse(path: "/status", gzip: true), PageUse(path: "/", gzip: false)]),
        .pong(7, counters),
        .log(.warning, "a line"),
    ]

    static var configuration: WebConfiguration {
        var configuration = WebConfiguration(listeners: [
            ListenerDescription(kind: .local, descriptor: 4, allowedHosts: ["localhost", "127.0.0.1"]),
            ListenerDescription(kind: .socket, descriptor: 5, allowedHosts: []),
            ListenerDescription(kind: .main, descriptor: 6, allowedHosts: []),
        ])
        configuration.maximumConnections = 1
        configuration.requestTimeout = 2
        configuration.idleTimeout = 3
        configuration.responseTimeout = 4
        configuration.agentTimeout = 5
        configuration.maximumPassedRequests = 6
        configuration.maximumBodySize = 7
        configuration.connectionMemory = 8
        configuration.pageLifetime = 9
        configuration.tlsPriorities = "NORMAL"
        return configuration
    }

    static let identity = ServerIdentity(
        certificateChain: [[0x30, 1, 0], [0x30, 1, 1]], privateKey: [0x30, 1, 2],
        clientAuthorityNames: [[0x30, 0], [0x30, 2, 0x31, 0]], requestsClientCertificate: true)

    static func page(_ gzip: GzipBody) -> PublishedPage {
        PublishedPage(
            path: "/status", listeners: [.socket, .local, .main], status: 200,
            headers: [HeaderField("content-type", "application/json"), HeaderField("x", "")], entityTag: "\"a\"",
            body: [1, 2, 3], gzip: gzip)
    }

    static let request = GateRequest(
        id: 1, listener: .socket, peer: .unix(processID: 2, userID: 3, groupID: 4), method: "DELETE", path: "/a%2fb",
        query: nil, headers: [HeaderField("host", "x"), HeaderField("accept", "*/*")])

    static let requestOverTCP = GateRequest(
        id: 2, listener: .local, peer: .tcp(address: "127.0.0.1", port: 65_535), method: "GET", path: "/",
        query: "a=1&b",
        headers: [], connection: 0x4142_4344_4546_4748)

    static let requestOverTLS = GateRequest(
        id: 3, listener: .main, peer: .tcp(address: "2001:db8::1", port: 1), method: "POST", path: "/checkpoint",
        query: nil, headers: [HeaderField("authorization", "Bearer x")], connection: 5,
        clientCertificates: [[0x30, 1, 2], [0x30, 0]])

    static var counters: WebCounters {
        var counters = WebCounters()
        counters.connectionsAccepted = 1
        counters.connectionsOpen = 2
        counters.connectionsEvicted = 3
        counters.connectionsTimedOut = 4
        counters.requestsPassed = 5
        counters.served = [ServedCount(path: "/", listener: .local, status: 304, count: .max)]
        counters.refused = [RefusedCount(reason: "host", status: 403, count: 6)]
        counters.deniedSystemCalls = 7
        counters.lastDeniedSystemCall = 257
        return counters
    }
}
