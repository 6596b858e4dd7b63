// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc

// The main listener.
extension Harness {
    /// TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers.
    static let priorities =
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM"

    /// With a main listener that has its identity.
    static func secure(_ change: (inout WebConfiguration) -> Void = { _ in }) throws -> Harness {
        let web = try Harness(main: true, change)
        try web.use(try Certificates.shared().server)
        return web
    }

    /// Sends an identity and waits until it is there.
    func use(_ identity: ServerIdentity) throws {
        try send(.serverIdentity(identity))
        try ping()
    }

    /// A client of the main listener's port that speaks no TLS by itself.
    func rawSecureClient(buffer: Int32? = nil) throws -> Client { try Client(port: securePort, buffer: buffer) }

    /// A client of the main listener, through `openssl s_client`.
    func secureClient(_ options: [String] = []) throws -> Client {
        try Client(through: try handshake(["-quiet", "-verify_quiet"] + options))
    }

    /// What `openssl s_client` says first.
    func clientHello() throws -> [UInt8] {
        let (listener, port) = try listenOnLoopback()
        defer { close(listener) }
        let client = try Client(through: ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"])
        defer { withExtendedLifetime(client) {} }
        let accepted = accept(listener, nil, nil)
        guard accepted >= 0 else { throw TestFailure("accept: \(errno)") }
        defer { close(accepted) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let header = recv(accepted, &bytes, 5, Int32(MSG_WAITALL))
        guard header == 5 else { throw TestFailure("no hello") }
        let size = Int(bytes[3]) << 8 | Int(bytes[4])
        guard recv(accepted, &bytes[5], size, Int32(MSG_WAITALL)) == size else {
            throw TestFailure("half a hello")
        }
        return [UInt8](bytes.prefix(5 + size))
    }

    /// A handshake of `openssl s_client` through a relay that takes nothing of the server's answer for a while.
    ///
    /// - Returns: What the client prints.
    func lateHandshake(_ options: [String]) throws -> String {
        let (listener, port) = try listenOnLoopback()
        defer { close(listener) }
        var words = try handshake(options)
        words[3] = "127.0.0.1:\(port)"
        let client = try Client(through: words)
        client.closeWriting()
        let near = accept(listener, nil, nil)
        guard near >= 0 else { throw TestFailure("accept: \(errno)") }
        defer { close(near) }
        let far = try rawSecureClient(buffer: 1)
        var polled = [pollfd(fd: near, events: Int16(POLLIN), revents: 0)]
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while poll(&polled, nfds_t(polled.count), 5000) > 0 {
            for (index, entry) in polled.enumerated() where entry.revents != 0 {
                let count = recv(entry.fd, &chunk, chunk.count, 0)
                guard count > 0 else { return client.rest() }
                Glibc.send(index == 0 ? far.descriptor : near, &chunk, count, Int32(MSG_NOSIGNAL))
            }
            if polled.count == 1 {
                pause(milliseconds: 200)
                polled.append(pollfd(fd: far.descriptor, events: Int16(POLLIN), revents: 0))
            }
        }
        throw TestFailure("the handshake does not go on")
    }

    /// Makes what waits to be sent to clients of the main listener a few kilobytes at most.
    func limitSending() {
        var size: Int32 = 1
        setsockopt(listeners[2], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Resident memory, in KiB.
    func resident() throws -> Int {
        Int(try status()["VmRSS"]?.split(separator: " ").first ?? "") ?? .max
    }

    /// The words of an `openssl s_client` that trusts the tests' authority and nobody else.
    func handshake(_ options: [String]) throws -> [String] {
        [
            "openssl", "s_client", "-connect", "127.0.0.1:\(securePort)", "-servername", "localhost",
            "-CAfile", try Certificates.shared().path("authority.pem"), "-verify_return_error",
        ] + options
    }
}

extension Harness {
    /// Whether these bytes lie anywhere in the process's writable memory. Needs root.
    func memoryHolds(_ bytes: [UInt8]) throws -> Bool {
        let memory = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        guard memory >= 0 else { throw TestFailure("mem: \(errno)") }
        defer { close(memory) }
        for line in try readFile("/proc/\(process)/maps").split(separator: "\n") where line.contains(" rw") {
            let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
            guard range.count == 2 else { continue }
            var region = [UInt8](repeating: 0, count: range[1] - range[0])
            let count = pread(memory, &region, region.count, off_t(range[0]))
            guard count > 0 else { continue }
            let isFound = region.withUnsafeBytes { contains($0.prefix(count), bytes) }
            if isFound { return true }
        }
        return false
    }

    private func contains(_ region: Slice<UnsafeRawBufferPointer>, _ bytes: [UInt8]) -> Bool {
        guard let start = UnsafeRawBufferPointer(rebasing: region).baseAddress, let first = bytes.first else {
            return false
        }
        var rest = start
        while true {
            let left = region.count - (rest - start)
            guard left >= bytes.count, let found = memchr(rest, Int32(first), left) else { return false }
            rest = UnsafeRawPointer(found)
            if region.count - (rest - start) >= bytes.count, memcmp(rest, bytes, bytes.count) == 0 { return true }
            rest += 1
        }
    }
}
