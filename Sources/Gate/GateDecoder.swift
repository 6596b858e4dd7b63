// SPDX-License-Identifier: Apache-2.0

/// Turns frames, as ``FrameReader`` cuts them, into messages. Whatever the bytes are, the outcome is a message or an error.
package enum GateDecoder {
    /// A message of the agent, as the web process receives it.
    package static func agentMessage(_ frame: [UInt8]) throws(GateError) -> AgentMessage {
        guard !frame.isEmpty else { throw .emptyFrame }
        var fields = FieldReader(frame)
        let message: AgentMessage
        switch try fields.integer("type") as UInt8 {
        case MessageType.configure: message = .configure(try configuration(&fields))
        case MessageType.serverIdentity: message = .serverIdentity(try identity(&fields))
        case MessageType.publish: message = .publish(try page(&fields))
        case MessageType.confirm: message = .confirm
        case MessageType.expire:
            message = .expire(
                paths: try fields.list("paths", minimumSize: 4) { fields throws(GateError) in try fields.text("path") })
        case MessageType.revokeGrants: message = .revokeGrants
        case MessageType.respond:
            message = .respond(
                GateResponse(
                    id: try fields.integer("id"), status: try fields.integer("status"), headers: try headers(&fields),
                    body: try fields.blob("body"), grantMilliseconds: try fields.integer("grant")))
        case MessageType.ping: message = .ping(try fields.integer("token"))
        case MessageType.await:
            message = .await(id: try fields.integer("id"), milliseconds: try fields.integer("milliseconds"))
        case MessageType.drain: message = .drain(milliseconds: try fields.integer("milliseconds"))
        case let type: throw .unknownType(type)
        }
        try fields.finish()
        return message
    }

    /// A message of the web process, as the agent receives it. Its shape is right; what a request says has still to be
    /// checked by ``GateRequest/validate()``.
    package static func webMessage(_ frame: [UInt8]) throws(GateError) -> WebMessage {
        guard !frame.isEmpty else { throw .emptyFrame }
        var fields = FieldReader(frame)
        let message: WebMessage
        switch try fields.integer("type") as UInt8 {
        case MessageType.ready: message = .ready(processID: try fields.integer("process id"))
        case MessageType.request: message = .request(try request(&fields))
        case MessageType.cancelled: message = .cancelled(id: try fields.integer("id"))
        case MessageType.used:
            message = .used(
                try fields.list("pages", minimumSize: 5) { fields throws(GateError) in
                    PageUse(path: try fields.text("path"), gzip: try fields.flag("gzip"))
                })
        case MessageType.pong: message = .pong(try fields.integer("token"), try counters(&fields))
        case MessageType.log: message = .log(try fields.oneOf("level"), try fields.text("line"))
        case let type: throw .unknownType(type)
        }
        try fields.finish()
        return message
    }

    private static func configuration(_ fields: inout FieldReader) throws(GateError) -> WebConfiguration {
        let listeners = try fields.list("listeners", minimumSize: 9) { fields throws(GateError) in
            ListenerDescription(
                kind: try fields.oneOf("kind"), descriptor: try fields.integer("descriptor"),
                allowedHosts: try fields.list("allowed hosts", minimumSize: 4) { fields throws(GateError) in
                    try fields.text("allowed host")
                })
        }
        var configuration = WebConfiguration(listeners: listeners)
        configuration.maximumConnections = try fields.integer("maximum connections")
        configuration.requestTimeout = try fields.integer("request timeout")
        configuration.idleTimeout = try fields.integer("idle timeout")
        configuration.responseTimeout = try fields.integer("response timeout")
        configuration.agentTimeout = try fields.integer("agent timeout")
        configuration.maximumPassedRequests = try fields.integer("maximum passed requests")
        configuration.maximumBodySize = try fields.integer("maximum body size")
        configuration.connectionMemory = try fields.integer("connection memory")
        configuration.pageLifetime = try fields.integer("page lifetime")
        configuration.tlsPriorities = try fields.text("TLS priorities")
        return configuration
    }

    private static func identity(_ fields: inout FieldReader) throws(GateError) -> ServerIdentity {
        ServerIdentity(
            certificateChain: try blobs(&fields, "certificates"), privateKey: try fields.blob("private key"),
            clientAuthorityNames: try blobs(&fields, "authority names"),
            requestsClientCertificate: try fields.flag("requests client certificate"))
    }

    private static func blobs(_ fields: inout FieldReader, _ field: String) throws(GateError) -> [[UInt8]] {
        try fields.list(field, minimumSize: 4) { fields throws(GateError) in try fields.blob(field) }
    }

    private static func page(_ fields: inout FieldReader) throws(GateError) -> PublishedPage {
        PublishedPage(
            path: try fields.text("path"),
            listeners: try fields.list("listeners", minimumSize: 1) { fields throws(GateError) in
                try fields.oneOf("listener")
            },
            status: try fields.integer("status"), headers: try headers(&fields),
            entityTag: try fields.text("entity tag"),
            body: try fields.blob("body"), gzip: try gzip(&fields))
    }

    private static func gzip(_ fields: inout FieldReader) throws(GateError) -> GzipBody {
        switch try fields.integer("gzip") as UInt8 {
        case 0: return .absent
        case 1: return .worthless
        case 2: return .body(try fields.blob("gzip body"))
        case let value: throw .badValue(field: "gzip", value: UInt64(value))
        }
    }

    private static func request(_ fields: inout FieldReader) throws(GateError) -> GateRequest {
        let id: UInt64 = try fields.integer("id")
        let connection: UInt64 = try fields.integer("connection")
        return GateRequest(
            id: id, listener: try fields.oneOf("listener"), peer: try peer(&fields),
            method: try fields.text("method"), path: try fields.text("path"),
            query: try fields.flag("query") ? try fields.text("query") : nil, headers: try headers(&fields),
            connection: connection, clientCertificates: try blobs(&fields, "client certificates"))
    }

    private static func peer(_ fields: inout FieldReader) throws(GateError) -> Peer {
        switch try fields.integer("peer") as UInt8 {
        case 1:
            return .unix(
                processID: try fields.integer("process id"), userID: try fields.integer("user id"),
                groupID: try fields.integer("group id"))
        case 2: return .tcp(address: try fields.text("address"), port: try fields.integer("port"))
        case let value: throw .badValue(field: "peer", value: UInt64(value))
        }
    }

    private static func counters(_ fields: inout FieldReader) throws(GateError) -> WebCounters {
        var counters = WebCounters()
        counters.connectionsAccepted = try fields.integer("connections accepted")
        counters.connectionsOpen = try fields.integer("connections open")
        counters.connectionsEvicted = try fields.integer("connections evicted")
        counters.connectionsTimedOut = try fields.integer("connections timed out")
        counters.requestsPassed = try fields.integer("requests passed")
        counters.served = try fields.list("served", minimumSize: 15) { fields throws(GateError) in
            ServedCount(
                path: try fields.text("path"), listener: try fields.oneOf("listener"),
                status: try fields.integer("status"), count: try fields.integer("count"))
        }
        counters.refused = try fields.list("refused", minimumSize: 14) { fields throws(GateError) in
            RefusedCount(
                reason: try fields.text("reason"), status: try fields.integer("status"),
                count: try fields.integer("count"))
        }
        counters.deniedSystemCalls = try fields.integer("denied system calls")
        counters.lastDeniedSystemCall = try fields.integer("last denied system call")
        return counters
    }

    private static func headers(_ fields: inout FieldReader) throws(GateError) -> [HeaderField] {
        try fields.list("headers", minimumSize: 8) { fields throws(GateError) in
            HeaderField(try fields.text("header name"), try fields.text("header value"))
        }
    }
}
