// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate
internal import Glibc

/// One inherited listening socket, libmicrohttpd's daemon on it, and the table of its open connections.
final class Listener {
    /// The library's own limit lies this much over ours: connections that were shut down to make room still count for
    /// it until the library has noticed.
    static let backstop = 64

    let kind: ListenerKind
    let allowedHosts: [[UInt8]]
    let server: Server
    private(set) var epoll: Int32 = -1
    /// The library has something to do that its epoll descriptor does not tell.
    var needsRun = true
    private(set) var connections: [Connection] = []
    /// Those whose TLS handshake the library has in hand.
    private var handshakes: [Connection] = []
    /// Those whose clients have changed their keys, and which may not have been read to the end.
    private var rekeyed: [Connection] = []
    private var daemon: OpaquePointer?
    /// For the library's log callback, which keeps a pointer to it: never freed, as a listener lives as long as the process.
    private let log = UnsafeMutablePointer<nodekeep_mhd_log>.allocate(capacity: 1)

    init(_ description: ListenerDescription, configuration: WebConfiguration, server: Server) throws(StartFailure) {
        self.kind = description.kind
        self.allowedHosts = description.allowedHosts.map { [UInt8]($0.utf8) }
        self.server = server
        let descriptor = description.descriptor
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw StartFailure("listener \(descriptor)", errno)
        }

        let context = Unmanaged.passUnretained(self).toOpaque()
        log.initialize(to: nodekeep_mhd_log(write: libraryLogged, context: context))
        let completed: MHD_RequestCompletedCallback = requestCompleted
        let notified: MHD_NotifyConnectionCallback = connectionChanged
        let unescape: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int =
            leaveEscaped
        let target:
            @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> UnsafeMutableRawPointer? =
                targetRead
        let limit = Int(configuration.maximumConnections) + Self.backstop
        // No STRICT_FOR_CLIENT: what its level 1 refuses is refused by RequestCheck, with one answer. The library's own
        // for a missing Host goes out with its header twice (0.9.75), and a blank in the target gets none at all.
        var options = [
            // First, so that it already tells what is wrong with the others.
            MHD_OptionItem(option: .EXTERNAL_LOGGER, value: nodekeep_mhd_log_function(), ptr_value: log),
            MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(descriptor), ptr_value: nil),
            MHD_OptionItem(option: .CONNECTION_LIMIT, value: limit, ptr_value: nil),
            MHD_OptionItem(
                option: .CONNECTION_MEMORY_LIMIT, value: Int(configuration.connectionMemory), ptr_value: nil),
            MHD_OptionItem(option: .SIGPIPE_HANDLED_BY_APP, value: 1, ptr_value: nil),
            MHD_OptionItem(
                option: .NOTIFY_COMPLETED, value: unsafeBitCast(completed, to: Int.self), ptr_value: context),
            MHD_OptionItem(
                option: .NOTIFY_CONNECTION, value: unsafeBitCast(notified, to: Int.self), ptr_value: context),
            MHD_OptionItem(option: .URI_LOG_CALLBACK, value: unsafeBitCast(target, to: Int.self), ptr_value: context),
            MHD_OptionItem(
                option: .UNESCAPE_CALLBACK, value: unsafeBitCast(unescape, to: Int.self), ptr_value: context),
        ]
        var modes = MHD_USE_EPOLL.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_ERROR_LOG.rawValue
        // Read by the library while it starts.
        var priorities: UnsafeMutablePointer<CChar>?
        defer { free(priorities) }
        if kind == .main {
            modes |= MHD_USE_TLS.rawValue
            priorities = strdup(try TLSLibrary.priorities(configuration.tlsPriorities))
            options += [
                MHD_OptionItem(option: .HTTPS_PRIORITIES, value: 0, ptr_value: priorities),
                MHD_OptionItem(
                    option: .HTTPS_CERT_CALLBACK, value: 0,
                    ptr_value: unsafeBitCast(noCertificate, to: UnsafeMutableRawPointer.self)),
            ]
        }
        options.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
        guard let daemon = nodekeep_mhd_start(modes, handleRequest, context, options) else {
            throw StartFailure("libmicrohttpd does not take the listener \(descriptor)")
        }
        self.daemon = daemon
        epoll = nodekeep_mhd_epoll_descriptor(daemon)
        guard epoll >= 0 else { throw StartFailure("no epoll descriptor for the listener \(descriptor)") }
    }

    /// Does what can be done now without waiting.
    ///
    /// - Parameter parks: Handshakes that are not over afterwards are the server's to wait for.
    func run(parks: Bool = true) {
        guard let daemon else { return }
        _ = MHD_run(daemon)
        var isAgain = false
        if parks {
            parkHandshakes()
            isAgain = readRekeyed()
        }
        var timeout: UInt64 = 0
        // The library's timeout says nothing of connections that are to be resumed.
        needsRun = (MHD_get_timeout(daemon, &timeout) == .YES && timeout == 0) || isAgain
    }

    /// Stops accepting. The socket stays open in the agent, so clients wait for the next web process.
    func quiesce() {
        guard let daemon else { return }
        let descriptor = MHD_quiesce_daemon(daemon)
        if descriptor >= 0 {
            close(descriptor)
        }
    }

    /// Cuts whatever is left. No connection may be suspended: the library aborts then.
    func stop() {
        guard let daemon else { return }
        self.daemon = nil
        MHD_stop_daemon(daemon)
    }

    func add(_ connection: Connection) {
        connection.index = connections.count
        connections.append(connection)
        if connection.tls != nil { handshakes.append(connection) }
    }

    func remove(_ connection: Connection) {
        guard connections.indices.contains(connection.index), connections[connection.index] === connection else {
            return
        }
        handshakes.removeAll { $0 === connection }
        rekeyed.removeAll { $0 === connection }
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.index] = last
            last.index = connection.index
        }
    }

    /// Takes the handshakes that are not over out of the library's hands: it takes a connection whose handshake waits for
    /// bytes as one that can be read, and would be run again and again (0.9.75).
    private func parkHandshakes() {
        for connection in handshakes where connection.tls?.isSettled == false {
            server.park(connection)
        }
        handshakes.removeAll(keepingCapacity: true)
    }

    /// The client of this connection has announced new keys.
    func keysChanged(_ connection: Connection) {
        guard !rekeyed.contains(where: { $0 === connection }) else { return }
        rekeyed.append(connection)
    }

    /// Has connections read once more that have read new keys: GnuTLS then says that there is nothing more, and the library
    /// waits for the next bytes to come although there may be some (0.9.75). Resuming makes it look.
    ///
    /// - Returns: Whether the library has to be run for it.
    private func readRekeyed() -> Bool {
        let count = rekeyed.count
        rekeyed.removeAll { connection in
            guard connection.isReading else { return false }
            MHD_suspend_connection(connection.handle)
            MHD_resume_connection(connection.handle)
            return true
        }
        return rekeyed.count < count
    }

    /// Gives a handshake back to the library.
    func unpark(_ connection: Connection) {
        handshakes.append(connection)
        needsRun = true
        MHD_resume_connection(connection.handle)
    }

    /// Who has to go when there are too many: the least busy, among those the one that was used longest ago.
    func connectionToEvict(sparing newcomer: Connection) -> Connection? {
        var worst: Connection?
        for connection in connections where connection !== newcomer && !connection.isShut {
            if let known = worst, (known.rank, known.lastUsed) <= (connection.rank, connection.lastUsed) { continue }
            worst = connection
        }
        return worst
    }
}
