// SPDX-License-Identifier: Apache-2.0

/// The type byte of each message. A number is never used for anything else.
enum MessageType {
    static let configure: UInt8 = 1
    static let publish: UInt8 = 2
    static let confirm: UInt8 = 3
    static let expire: UInt8 = 4
    static let respond: UInt8 = 5
    static let ping: UInt8 = 6
    static let drain: UInt8 = 7
    static let await: UInt8 = 8
    static let serverIdentity: UInt8 = 9
    static let revokeGrants: UInt8 = 10

    static let ready: UInt8 = 65
    static let request: UInt8 = 66
    static let cancelled: UInt8 = 67
    static let used: UInt8 = 68
    static let pong: UInt8 = 69
    static let log: UInt8 = 70
}

/// Turns messages into frames, length included.
package enum GateEncoder {
    /// - Throws: ``GateError/frameTooLong(announced:maximum:)`` for what the web process would not take.
    package static func frame(_ message: AgentMessage) throws(GateError) -> [UInt8] {
        var writer: FrameWriter
        switch message {
        case .configure(let configuration):
            writer = FrameWriter(type: MessageType.configure)
            write(configuration, to: &writer)
        case .serverIdentity(let identity):
            writer = FrameWriter(type: MessageType.serverIdentity)
            writer.list(identity.certificateChain) { $0.blob($1) }
            writer.blob(identity.privateKey)
            writer.list(identity.clientAuthorityNames) { $0.blob($1) }
            writer.flag(identity.requestsClientCertificate)
        case .publish(let page):
            writer = FrameWriter(type: MessageType.publish)
            write(page, to: &writer)
        case .confirm:
            writer = FrameWriter(type: MessageType.confirm)
        case .expire(let paths):
            writer = FrameWriter(type: MessageType.expire)
            writer.list(paths) { $0.text($1) }
        case .revokeGrants:
            writer = FrameWriter(type: MessageType.revokeGrants)
        case .respond(let response):
            writer = FrameWriter(type: MessageType.respond)
            writer.integer(response.id)
            writer.integer(response.status)
            write(response.headers, to: &writer)
            writer.blob(response.body)
            writer.integer(response.grantMilliseconds)
        case .await(let id, let milliseconds):
            writer = FrameWriter(type: MessageType.await)
            writer.integer(id)
            writer.integer(milliseconds)
        case .ping(let token):
            writer = FrameWriter(type: MessageType.ping)
            writer.integer(token)
        case .drain(let milliseconds):
            writer = FrameWriter(type: MessageType.drain)
            writer.integer(milliseconds)
        }
        return try writer.finish(maximum: GateFraming.maximumFrameFromAgent)
    }

    /// - Throws: ``GateError/frameTooLong(announced:maximum:)`` for what the agent would not take.
    package static func frame(_ message: WebMessage) throws(GateError) -> [UInt8] {
        var writer: FrameWriter
        switch message {
        case .ready(let processID):
            writer = FrameWriter(type: MessageType.ready)
            writer.integer(processID)
        case .request(let request):
            writer = FrameWriter(type: MessageType.request)
            write(request, to: &writer)
        case .cancelled(let id):
            writer = FrameWriter(type: MessageType.cancelled)
            writer.integer(id)
        case .used(let pages):
            writer = FrameWriter(type: MessageType.used)
            writer.list(pages) { writer, page in
                writer.text(page.path)
                writer.flag(page.gzip)
            }
        case .pong(let token, let counters):
            writer = FrameWriter(type: MessageType.pong)
            writer.integer(token)
            write(counters, to: &writer)
        case .log(let level, let line):
            writer = FrameWriter(type: MessageType.log)
            writer.integer(level.rawValue)
            writer.text(line)
        }
        return try writer.finish(maximum: GateFraming.maximumFrameFromWeb)
    }

    private static func write(_ configuration: WebConfiguration, to writer: inout FrameWriter) {
        writer.list(configuration.listeners) { writer, listener in
            writer.integer(listener.kind.rawValue)
            writer.integer(listener.descriptor)
            writer.list(listener.allowedHosts) { $0.text($1) }
        }
        writer.integer(configuration.maximumConnections)
        writer.integer(configuration.requestTimeout)
        writer.integer(configuration.idleTimeout)
        writer.integer(configuration.responseTimeout)
        writer.integer(configuration.agentTimeout)
        writer.integer(configuration.maximumPassedRequests)
        writer.integer(configuration.maximumBodySize)
        writer.integer(configuration.connectionMemory)
        writer.integer(configuration.pageLifetime)
        writer.text(configuration.tlsPriorities)
    }

    private static func write(_ page: PublishedPage, to writer: inout FrameWriter) {
        writer.text(page.path)
        writer.list(page.listeners) { $0.integer($1.rawValue) }
        writer.integer(page.status)
        write(page.headers, to: &writer)
        writer.text(page.entityTag)
        writer.blob(page.body)
        switch page.gzip {
        case .absent: writer.integer(UInt8(0))
        case .worthless: writer.integer(UInt8(1))
        case .body(let body):
            writer.integer(UInt8(2))
            writer.blob(body)
        }
    }

    private static func write(_ request: GateRequest, to writer: inout FrameWriter) {
        writer.integer(request.id)
        writer.integer(request.connection)
        writer.integer(request.listener.rawValue)
        switch request.peer {
        case .unix(let processID, let userID, let groupID):
            writer.integer(UInt8(1))
            writer.integer(processID)
            writer.integer(userID)
            writer.integer(groupID)
        case .tcp(let address, let port):
            writer.integer(UInt8(2))
            writer.text(address)
            writer.integer(port)
        }
        writer.text(request.method)
        writer.text(request.path)
        writer.flag(request.query != nil)
        if let query = request.query {
            writer.text(query)
        }
        write(request.headers, to: &writer)
        writer.list(request.clientCertificates) { $0.blob($1) }
    }

    private static func write(_ counters: WebCounters, to writer: inout FrameWriter) {
        writer.integer(counters.connectionsAccepted)
        writer.integer(counters.connectionsOpen)
        writer.integer(counters.connectionsEvicted)
        writer.integer(counters.connectionsTimedOut)
        writer.integer(counters.requestsPassed)
        writer.list(counters.served) { writer, served in
            writer.text(served.path)
            writer.integer(served.listener.rawValue)
            writer.integer(served.status)
            writer.integer(served.count)
        }
        writer.list(counters.refused) { writer, refused in
            writer.text(refused.reason)
            writer.integer(refused.status)
            writer.integer(refused.count)
        }
        writer.integer(counters.deniedSystemCalls)
        writer.integer(counters.lastDeniedSystemCall)
    }

    private static func write(_ headers: [HeaderField], to writer: inout FrameWriter) {
        writer.list(headers) { writer, header in
            writer.text(header.name)
            writer.text(header.value)
        }
    }
}
