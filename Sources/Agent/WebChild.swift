// SPDX-License-Identifier: Apache-2.0
internal import Gate
internal import Glibc

/// One web process: its id and our end of its gate. Owned by the gate loop's thread.
struct WebChild {
    let processID: pid_t
    let gate: Int32

    /// Starts the web process with the gate as descriptor 3 and the listeners behind it.
    ///
    /// Its environment is empty: no notify socket, no loader variables, nothing to leak. Its signal mask and
    /// dispositions are the default ones, whatever this process has changed.
    static func spawn(executable: WebExecutable, listeners: [Listeners.Listener]) throws -> WebChild {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw AgentError("make", "the gate's socket pair", code: errno)
        }
        let (ours, theirs) = (pair[0], pair[1])
        defer { close(theirs) }
        _ = fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK)

        // dup2 onto a number that is still needed as a source would destroy it, so every source is first moved above
        // all targets; the copies close on exec.
        let targets = [theirs] + listeners.map(\.descriptor)
        let floor = GateFraming.webDescriptor + Int32(targets.count)
        var sources: [Int32] = []
        defer { for source in sources { close(source) } }
        for descriptor in targets {
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, floor)
            guard copy >= 0 else {
                let code = errno
                close(ours)
                throw AgentError("copy", "a descriptor for web", code: code)
            }
            sources.append(copy)
        }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, 1)
        for (offset, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, GateFraming.webDescriptor + Int32(offset))
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var every = sigset_t()
        sigfillset(&every)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var processID: pid_t = 0
        let name = strdup("nodekeep-web")
        defer { free(name) }
        var arguments: [UnsafeMutablePointer<CChar>?] = [name, nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        let code = posix_spawn(&processID, executable.startPath, &actions, &attributes, &arguments, &environment)
        guard code == 0 else {
            close(ours)
            throw AgentError("start", executable.path, code: code)
        }
        return WebChild(processID: processID, gate: ours)
    }

    /// The descriptors that the listeners have in the web process.
    static func inherited(_ listeners: [Listeners.Listener]) -> [ListenerDescription] {
        listeners.enumerated().map { offset, listener in
            ListenerDescription(
                kind: listener.kind, descriptor: GateFraming.webDescriptor + 1 + Int32(offset),
                allowedHosts: listener.allowedHosts)
        }
    }

    /// Ends the process for certain and says how it ended. Closes the gate.
    func end() -> String {
        kill(processID, SIGKILL)
        close(gate)
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0
            ? "exited with status \((status >> 8) & 0xff)"
            : "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
    }
}
