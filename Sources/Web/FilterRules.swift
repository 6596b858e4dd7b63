// SPDX-License-Identifier: Apache-2.0

/// A system call that the web process may make once its filter is loaded.
struct FilterRule {
    /// What an argument must be. All conditions of a rule must hold; two rules for one call are alternatives.
    enum Condition {
        /// The argument's low 32 bits, for what C calls an int: the ABI leaves the upper half undefined.
        case int(argument: UInt32, UInt32)
        /// The whole register.
        case pointer(argument: UInt32, UInt64)
        /// The bits of a mask.
        case bits(argument: UInt32, mask: UInt64, UInt64)
    }

    var name: String
    var conditions: [Condition]
    var why: String

    init(_ name: String, _ conditions: [Condition] = [], _ why: String) {
        self.name = name
        self.conditions = conditions
        self.why = why
    }
}

extension FilterRule {
    private static let executable = Condition.bits(argument: 2, mask: 4, 0)  // PROT_EXEC is not in prot

    /// The whole policy. What is not in here is denied: no file is opened, no socket made or connected, no process or
    /// thread started, no signal sent, no memory made executable. Names that an architecture lacks are skipped.
    static let allowed: [FilterRule] = [
        // Waiting. x86-64 has the plain calls, arm64 only the ones with a signal mask.
        FilterRule("poll", "the loop"),
        FilterRule("ppoll", "the loop on arm64"),
        FilterRule("epoll_wait", "libmicrohttpd, with no timeout"),
        FilterRule("epoll_pwait", "libmicrohttpd on arm64"),
        FilterRule("epoll_ctl", "libmicrohttpd: connections come, go and are suspended"),
        FilterRule("restart_syscall", "poll, after the process was stopped and continued"),

        // Connections. None of these makes a socket but accept4, and that only from a listener.
        FilterRule("accept4", "new connections"),
        FilterRule("recvfrom", "requests, and messages of the agent"),
        FilterRule(
            "sendto", [.pointer(argument: 4, 0)],
            "answers without a body, and messages to the agent; without an address, so only where it is connected"),
        FilterRule("sendmsg", "answers: header and body in one call"),
        FilterRule("shutdown", "ends connections"),
        FilterRule("close", "frees descriptors"),
        FilterRule(
            "setsockopt", [.int(argument: 1, 6), .int(argument: 2, 1)], "TCP_NODELAY: when a segment leaves"),
        FilterRule("setsockopt", [.int(argument: 1, 6), .int(argument: 2, 3)], "TCP_CORK: the same"),
        FilterRule(
            "getsockopt", [.int(argument: 1, 1), .int(argument: 2, 17)],
            "SO_PEERCRED: who connected to the Unix socket"),

        // Memory, never executable, never a file.
        FilterRule(
            "mmap", [executable, .bits(argument: 3, mask: 0x20, 0x20)], "malloc; MAP_ANONYMOUS without PROT_EXEC"),
        FilterRule("mprotect", [executable], "malloc, without PROT_EXEC"),
        FilterRule("munmap", "malloc"),
        FilterRule("mremap", "realloc; it cannot change what a mapping permits"),
        FilterRule("madvise", "malloc gives memory back"),
        FilterRule("brk", "malloc"),

        // Time: answered without a system call unless the machine's clock cannot be read from user space.
        FilterRule("clock_gettime", "deadlines"),
        FilterRule("gettimeofday", "the Date field"),
        FilterRule("time", "the Date field"),

        // The rest.
        FilterRule("getrandom", "GnuTLS seeds its random numbers again: every two hours, and after two megabytes"),
        FilterRule("futex", [.int(argument: 1, 129)], "FUTEX_WAKE_PRIVATE: the C library's once-only initialisation"),
        FilterRule("write", [.int(argument: 0, 2)], "last words on standard error"),
        FilterRule("rt_sigreturn", "back from the handler that counts denied calls"),
        FilterRule("exit", "the end"),
        FilterRule("exit_group", "the end"),
    ]
}

extension FilterRule {
    init(_ name: String, _ why: String) {
        self.init(name, [], why)
    }
}
