// SPDX-License-Identifier: Apache-2.0

import Glibc

struct TestFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// An HTTP client that sends exactly the bytes it is told to.
final class Client {
    struct Response: Equatable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let descriptor: Int32
    private let process: pid_t?
    private var unread: [UInt8] = []

    /// A program of this machine is in between: what is sent is its standard input, what it prints is what comes.
    init(through words: [String]) throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw TestFailure("socketpair")
        }
        defer { close(ends[1]) }
        descriptor = ends[0]
        process = try start(words, input: ends[1], output: ends[1])
        setTimeout(milliseconds: 5000)
    }

    /// - Parameter buffer: Bytes that may have come and not been read; nil: as many as the kernel likes.
    init(port: UInt16, buffer: Int32? = nil) throws {
        process = nil
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var buffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try connect(&address, MemoryLayout<sockaddr_in>.size)
    }

    init(path: String) throws {
        process = nil
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = unixAddress(path)
        try connect(&address, MemoryLayout<sockaddr_un>.size)
    }

    deinit {
        close(descriptor)
        if let process {
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
        }
    }

    private func connect<Address>(_ address: inout Address, _ size: Int) throws {
        setTimeout(milliseconds: 5000)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, socklen_t(size)) }
        }
        guard result == 0 else { throw TestFailure("connect: \(errno)") }
    }

    func setTimeout(milliseconds: Int) {
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) {
        send([UInt8](text.utf8))
    }

    /// Sends as much as is taken: a server that refuses a request may stop reading it.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// A request with a Host, and whatever header lines are given.
    func get(_ path: String, _ lines: String..., method: String = "GET", host: String = "localhost") {
        send("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    func closeWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// - Returns: False at the end, at an error, or when nothing has come in time.
    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        unread.append(contentsOf: chunk.prefix(count))
        return true
    }

    /// The connection has been closed by the other side within the time.
    func isClosed(within milliseconds: Int) -> Bool {
        setTimeout(milliseconds: milliseconds)
        defer { setTimeout(milliseconds: 5000) }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 || (count < 0 && errno != EAGAIN) { return true }
            if count < 0 { return false }
            unread.append(contentsOf: chunk.prefix(count))
        }
    }

    /// Takes what comes up to and with this text.
    func wait(for text: String) throws {
        let bytes = [UInt8](text.utf8)
        while true {
            if let found = unread.firstRange(of: bytes) {
                unread.removeFirst(found.upperBound)
                return
            }
            guard readMore() else {
                throw TestFailure("no \(text) in: \(String(decoding: unread, as: UTF8.self))")
            }
        }
    }

    /// What comes until the other side closes, or nothing more in time.
    func rest() -> String {
        while readMore() {}
        defer { unread = [] }
        return String(decoding: unread, as: UTF8.self)
    }

    /// The next answer; nil when the connection ends before it.
    func response(toHead: Bool = false) throws -> Response? {
        let blank = [UInt8]("\r\n\r\n".utf8)
        while true {
            if let end = unread.firstRange(of: blank) {
                let head = String(decoding: unread[..<end.lowerBound], as: UTF8.self)
                var lines = head.split(separator: "\r\n").map(String.init)
                let status = Int(lines.removeFirst().split(separator: " ").dropFirst().first ?? "") ?? 0
                var headers: [String: String] = [:]
                for line in lines {
                    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                    headers[parts.first?.lowercased() ?? ""] =
                        parts.dropFirst().first.map { String($0.drop { $0 == " " }) } ?? ""
                }
                let size = toHead || status == 304 || status == 100 ? 0 : Int(headers["content-length"] ?? "") ?? 0
                while unread.count < end.upperBound + size {
                    guard readMore() else { throw TestFailure("the body ends early") }
                }
                let body = [UInt8](unread[end.upperBound..<(end.upperBound + size)])
                unread.removeFirst(end.upperBound + size)
                return Response(status: status, headers: headers, body: body)
            }
            guard readMore() else {
                guard unread.isEmpty else { throw TestFailure("half an answer") }
                return nil
            }
        }
    }
}

func unixAddress(_ path: String) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    return address
}

extension [UInt8] {
    fileprivate func firstRange(of other: [UInt8]) -> Range<Int>? {
        guard count >= other.count else { return nil }
        for start in 0...(count - other.count) where self[start..<(start + other.count)].elementsEqual(other) {
            return start..<(start + other.count)
        }
        return nil
    }
}
