// SPDX-License-Identifier: Apache-2.0
internal import Gate
internal import Glibc
internal import NodeStatus

/// The listening sockets. The agent binds them once and keeps them open for its life; each web process inherits them,
/// so that a client that connects while web is being replaced waits in the backlog instead of being refused.
final class Listeners: Sendable {
    struct Listener: Sendable {
        let kind: ListenerKind
        let descriptor: Int32
        let allowedHosts: [String]
        /// For people: `http://127.0.0.1:10281`.
        let name: String

        /// Listens again where a web process has shut the socket down: it has the same one, so it did that for all. What
        /// listens stays as it is.
        ///
        /// - Throws: `AgentError` naming the address or path.
        func reopen() throws {
            guard kind == .socket else {
                guard listen(descriptor, Listeners.backlog) == 0 else {
                    throw AgentError("listen on", name, code: errno)
                }
                return
            }
            // A Unix socket that was shut down stays so: another takes its number.
            var state = pollfd(fd: descriptor, events: Listeners.readEnd, revents: 0)
            guard poll(&state, 1, 0) > 0 else { return }
            let another = try Listeners.bindSocket(String(name.dropFirst("unix:".count)))
            dup2(another.descriptor, descriptor)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            close(another.descriptor)
        }
    }

    private static let backlog: Int32 = 512
    /// POLLRDHUP, which the Glibc module hides behind _GNU_SOURCE.
    private static let readEnd: Int16 = 0x2000

    let all: [Listener]
    private let socketPath: String

    /// Binds what the configuration asks for.
    ///
    /// - Parameters:
    ///   - localPort: 0 leaves the local listener out.
    ///   - main: the address and port of the main listener; nil leaves it out.
    /// - Throws: `AgentError` naming the address or path and what to do.
    init(
        localAddress: IPAddress, localPort: UInt16, socketPath: String, main: (address: IPAddress, port: UInt16)? = nil
    ) throws {
        var listeners: [Listener] = []
        do {
            if localPort != 0 {
                listeners.append(try Self.bindLocal(localAddress, localPort))
            }
            if let main { listeners.append(try Self.bindMain(main.address, main.port)) }
            listeners.append(try Self.bindSocket(socketPath))
        } catch {
            for listener in listeners { close(listener.descriptor) }
            throw error
        }
        all = listeners
        self.socketPath = socketPath
    }

    deinit {
        for listener in all { close(listener.descriptor) }
        removeSocket()
    }

    /// Takes the socket's file away, so that nobody waits on a socket without a listener.
    func removeSocket() {
        unlink(socketPath)
    }

    private static func bindLocal(_ address: IPAddress, _ port: UInt16) throws -> Listener {
        let (descriptor, name) = try bindTCP(
            address, port, isDual: false,
            fields: "localAddress and localPort (--local-address, --local-port)")
        return Listener(
            kind: .local, descriptor: descriptor,
            allowedHosts: ["localhost", "127.0.0.1", "::1", address.description], name: "http://" + name)
    }

    private static func bindMain(_ address: IPAddress, _ port: UInt16) throws -> Listener {
        let (descriptor, name) = try bindTCP(
            address, port, isDual: address.isUnspecified, fields: "address and port")
        return Listener(kind: .main, descriptor: descriptor, allowedHosts: [], name: "https://" + name)
    }

    /// - Parameters:
    ///   - isDual: whether `::` is IPv4 as well.
    ///   - fields: what the operator sets the address and the port with.
    private static func bindTCP(
        _ address: IPAddress, _ port: UInt16, isDual: Bool, fields: String
    ) throws -> (descriptor: Int32, name: String) {
        let text = address.description
        let name = address.isIPv6 ? "[\(text)]:\(port)" : "\(text):\(port)"
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw AgentError("open a socket for", name, code: errno) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let outcome: Int32
        if address.isIPv6 {
            var only: Int32 = isDual ? 0 : 1
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, socklen_t(MemoryLayout<Int32>.size))
            var sock = sockaddr_in6()
            sock.sin6_family = sa_family_t(AF_INET6)
            sock.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &sock.sin6_addr) { $0.copyBytes(from: address.bytes) }
            outcome = withUnsafePointer(to: &sock) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var sock = sockaddr_in()
            sock.sin_family = sa_family_t(AF_INET)
            sock.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &sock.sin_addr) { $0.copyBytes(from: address.bytes) }
            outcome = withUnsafePointer(to: &sock) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        guard outcome == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            let hint =
                code == EADDRINUSE
                ? "another process listens there (ss -ltnp 'sport = :\(port)'); set \(fields)" : "set \(fields)"
            throw AgentError("listen on", name, code: code, hint: hint)
        }
        return (descriptor, name)
    }

    /// The caller holds the run directory's lock, so a socket file that is already there is a leftover.
    private static func bindSocket(_ path: String) throws -> Listener {
        var sock = sockaddr_un()
        sock.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: sock.sun_path) else {
            throw AgentError("listen on \(path): a socket's path has at most 107 bytes; set socket or --socket")
        }
        withUnsafeMutableBytes(of: &sock.sun_path) { $0.copyBytes(from: bytes) }
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                throw AgentError("listen on \(path): a file that is no socket is in the way; remove it or set --socket")
            }
            unlink(path)
        }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw AgentError("open a socket for", path, code: errno) }
        // The mode is never wider than this: the file gets what the mask leaves of the socket's own, and then all of it.
        fchmod(descriptor, 0o660)
        let outcome = withUnsafePointer(to: &sock) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard outcome == 0, chmod(path, 0o660) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw AgentError("listen on", path, code: code, hint: "set socket or --socket")
        }
        return Listener(kind: .socket, descriptor: descriptor, allowedHosts: [], name: "unix:" + path)
    }
}
