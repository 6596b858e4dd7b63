// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

/// A running web process with the test as its agent.
///
/// With NODEKEEP_WEB_STRICT set, the process is one that dies at the first system call its filter denies.
final class Harness {
    let process: pid_t
    let port: UInt16
    let path: String
    /// Of the main listener; 0: there is none.
    let securePort: UInt16
    private let gate: Int32
    private var reader = FrameReader(maximum: GateFraming.maximumFrameFromWeb)
    private var arrived: [WebMessage] = []
    private(set) var listeners: [Int32] = []
    private var isReaped = false

    /// - Parameter main: With a main listener, for which no identity has come yet.
    init(
        waitUntilReady: Bool = true, main: Bool = false, _ change: (inout WebConfiguration) -> Void = { _ in }
    ) throws {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw TestFailure("socketpair")
        }
        gate = pair[0]
        let (tcp, port) = try listenOnLoopback()
        self.port = port
        path = "/tmp/nodekeep-web-\(getpid())-\(port).sock"
        let unix = try listenOnUnix(path)
        listeners = [tcp, unix]
        if main {
            let (secure, port) = try listenOnLoopback()
            listeners.append(secure)
            securePort = port
        } else {
            securePort = 0
        }
        let strict = getenv("NODEKEEP_WEB_STRICT") != nil
        process = try spawn(
            strict ? "nodekeep-web-probe" : "nodekeep-web", strict ? ["serve-strict"] : [],
            inherit: [pair[1]] + listeners)
        close(pair[1])
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(gate, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))

        var configuration = WebConfiguration(listeners: [
            ListenerDescription(kind: .local, descriptor: 4, allowedHosts: ["localhost", "127.0.0.1", "::1"]),
            ListenerDescription(kind: .socket, descriptor: 5, allowedHosts: []),
        ])
        if main {
            configuration.listeners.append(ListenerDescription(kind: .main, descriptor: 6, allowedHosts: []))
            configuration.tlsPriorities = Self.priorities
        }
        configuration.pageLifetime = 60_000
        change(&configuration)
        try send(.configure(configuration))
        if waitUntilReady {
            guard case .ready(let reported) = try receive() else { throw TestFailure("not ready") }
            #expect(reported == process)
        }
    }

    deinit {
        if !isReaped {
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
        }
        for descriptor in listeners + [gate] {
            close(descriptor)
        }
        unlink(path)
    }

    // MARK: The agent's part

    func send(_ message: AgentMessage) throws {
        try sendRaw(GateEncoder.frame(message))
    }

    func sendRaw(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(gate, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestFailure("the gate is closed") }
            rest = rest.dropFirst(count)
        }
    }

    func receive() throws -> WebMessage {
        while arrived.isEmpty {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(gate, &chunk, chunk.count, 0)
            guard count > 0 else { throw TestFailure("nothing from the web process (errno \(errno))") }
            for frame in try reader.feed([UInt8](chunk.prefix(count))) {
                arrived.append(try GateDecoder.webMessage(frame))
            }
        }
        return arrived.removeFirst()
    }

    /// The next message that `choose` takes; what comes before it is dropped.
    func next<Value>(_ choose: (WebMessage) -> Value?) throws -> Value {
        while true {
            if let value = choose(try receive()) { return value }
        }
    }

    func nextRequest() throws -> GateRequest {
        let request = try next { if case .request(let request) = $0 { request } else { nil } }
        try request.validate()
        return request
    }

    /// Waits for an answer to a ping: everything sent before it has been dealt with.
    @discardableResult
    func ping() throws -> WebCounters {
        let token = UInt64.random(in: 0 ... .max)
        try send(.ping(token))
        return try next { if case .pong(token, let counters) = $0 { counters } else { nil } }
    }

    /// Publishes a page and waits until it is there.
    func publish(
        _ path: String, _ body: String = "body of the page\n", status: UInt16 = 200, gzip: GzipBody = .worthless,
        tag: String = "\"tag\"", listeners: [ListenerKind] = ListenerKind.allCases, headers: [HeaderField] = []
    ) throws {
        let page = PublishedPage(
            path: path, listeners: listeners, status: status,
            headers: [HeaderField("content-type", "text/plain")] + headers,
            entityTag: tag, body: [UInt8](body.utf8), gzip: gzip)
        try send(.publish(page))
        try ping()
    }

    func respond(
        _ request: GateRequest, _ status: UInt16 = 200, _ body: String = "from the agent\n", grant: UInt32 = 0
    ) throws {
        try send(
            .respond(
                GateResponse(
                    id: request.id, status: status, headers: [HeaderField("content-type", "text/plain")],
                    body: [UInt8](body.utf8), grantMilliseconds: grant)))
    }

    func closeGate() {
        shutdown(gate, Int32(SHUT_RDWR))
    }

    // MARK: The process

    func client() throws -> Client { try Client(port: port) }
    func unixClient() throws -> Client { try Client(path: path) }

    /// - Returns: The exit status, or 128 and the signal; nil when it has not ended in time.
    func exitStatus(within milliseconds: Int = 5000) -> Int32? {
        for _ in 0..<(milliseconds / 5) {
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process {
                isReaped = true
                let signal = status & 0x7F
                return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            }
            usleep(5000)
        }
        return nil
    }

    /// The lines of a /proc file of the process, by their key.
    func status(task: String? = nil) throws -> [String: String] {
        let file = task.map { "/proc/\(process)/task/\($0)/status" } ?? "/proc/\(process)/status"
        var fields: [String: String] = [:]
        for line in try readFile(file).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if let key = parts.first, let value = parts.dropFirst().first {
                fields[String(key)] = String(value.drop { $0 == "\t" || $0 == " " })
            }
        }
        return fields
    }

    /// User and system time, in ticks.
    func ticks() throws -> Int {
        let fields = try readFile("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
            throw TestFailure("stat")
        }
        return user + system
    }
}

func directoryEntries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

func readFile(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TestFailure("open \(path): \(errno)") }
    defer { close(descriptor) }
    return readToEnd(descriptor)
}

func readToEnd(_ descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes.append(contentsOf: chunk.prefix(count))
    }
}
