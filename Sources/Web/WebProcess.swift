// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import Gate
internal import Glibc

/// The web process: everything that parses bytes from the network, and nothing else.
package enum WebProcess {
    /// How the process ends, as its exit status.
    package enum Exit {
        /// The agent closed the gate or had it drained.
        package static let ended: Int32 = 0
        /// Not started by an agent.
        package static let usage: Int32 = 2
        /// A message from the agent that is none.
        package static let garbage: Int32 = 3
        /// A listener or the confinement failed; the reason is on standard error.
        package static let failed: Int32 = 4
    }

    /// Serves until the agent ends it.
    ///
    /// - Parameters:
    ///   - gate: This process's end of the gate, a stream socket. Its first message is the configuration.
    ///   - strict: For tests: a system call that the filter denies ends the process.
    /// - Returns: The exit status, see ``Exit``.
    package static func run(gate: Int32, strict: Bool = false) -> Int32 {
        guard isGate(gate) else {
            complain(
                "started by nodekeep with its end of the gate as descriptor \(gate), which is no stream socket here")
            return Exit.usage
        }
        // The agent ends this process through the gate: a ^C or a stop that reaches the whole group must not cut answers.
        for number in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] {
            signal(number, SIG_IGN)
        }
        do {
            return try serve(gate: gate, strict: strict)
        } catch let failure as StartFailure {
            complain("cannot start: \(failure)")
            return Exit.failed
        } catch GateLink.Ended.garbage(let error) {
            complain("invalid message from the agent: \(error)")
            return Exit.garbage
        } catch {
            return Exit.ended
        }
    }

    private static func serve(gate descriptor: Int32, strict: Bool) throws -> Int32 {
        var gate = GateLink(descriptor: descriptor)
        var messages: [AgentMessage] = []
        while messages.isEmpty {
            messages = try gate.receive(wait: true)
        }
        guard case .configure(let configuration) = messages.removeFirst() else {
            throw GateLink.Ended.garbage(.badRequest("the first message is not the configuration"))
        }
        Confinement.closeDescriptors(except: [descriptor] + configuration.listeners.map(\.descriptor))
        touch()
        try TLSLibrary.start()
        let server = Server(configuration: configuration, gate: gate)
        for listener in configuration.listeners {
            server.listeners.append(try Listener(listener, configuration: configuration, server: server))
        }
        let processID = getpid()
        try Confinement.enter(descriptors: server.descriptorsNeeded, strict: strict)
        server.gate.send(.ready(processID: processID))
        for index in messages.indices {
            try server.take(&messages[index])
        }
        try server.run()
        return Exit.ended
    }

    /// Does now what would need a forbidden system call later.
    private static func touch() {
        // One arena: trimming a second one reads a file. Fixed thresholds: a page of megabytes goes back when it is replaced.
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, 262_144)
        mallopt(M_TRIM_THRESHOLD, 262_144)
        // The Date field's time zone.
        tzset()
        // Seeds: the standard library's hashing.
        _ = Set([1]).contains(2)
    }

    private static func isGate(_ descriptor: Int32) -> Bool {
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == Int32(SOCK_STREAM.rawValue)
    }

    private static func complain(_ line: String) {
        let bytes = [UInt8]("nodekeep-web: \(line)\n".utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
