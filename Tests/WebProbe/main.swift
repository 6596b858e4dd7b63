// SPDX-License-Identifier: Apache-2.0

// Runs inside the web process's confinement and tries what must not work.
//
//   nodekeep-web-probe NAME…         tries each and prints `NAME: EPERM`, another errno's number, or `NAME: allowed`
//   nodekeep-web-probe all           tries everything it knows
//   nodekeep-web-probe strict NAME   the same without the handler: the process dies of SIGSYS
//   nodekeep-web-probe x32           makes a call of another convention: the process dies of SIGSYS
//   nodekeep-web-probe serve-strict  is nodekeep-web, but dies at the first denied call

internal import CSeccomp
internal import Glibc
internal import Web

struct Attempt {
    var name: String
    /// Returns -1 and sets errno, as system calls do.
    var make: () -> Int

    init(_ name: String, _ make: @escaping () -> Int) {
        self.name = name
        self.make = make
    }

    /// A system call with these arguments; -2 where the architecture does not have it.
    init(_ name: String, call: String, _ arguments: [UInt] = []) {
        self.name = name
        self.make = {
            let number = seccomp_syscall_resolve_name(call)
            guard number >= 0 else {
                errno = ENOSYS
                return -1
            }
            let padded = arguments + [UInt](repeating: 0, count: 5)
            return nodekeep_system_call(number, padded[0], padded[1], padded[2], padded[3], padded[4])
        }
    }
}

func startThread() -> Int {
    var thread = pthread_t()
    let result = pthread_create(&thread, nil, { _ in nil }, nil)
    errno = result
    return result == 0 ? 0 : -1
}

func mapping(_ protection: Int32, flags: Int32, descriptor: Int32 = -1) -> Int {
    let address = mmap(nil, 4096, protection, flags, descriptor, 0)
    return address == MAP_FAILED ? -1 : 0
}

func makeExecutable() -> Int {
    guard let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page != MAP_FAILED
    else {
        return 0
    }
    return Int(mprotect(page, 4096, PROT_READ | PROT_EXEC))
}

func option(_ level: Int32, _ name: Int32, on descriptor: Int32) -> Int {
    var value: Int32 = 1
    return Int(setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size)))
}

// Made before the confinement: what an attacker would find open.
let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
let file = open("/proc/self/status", O_RDONLY)
var loopback = sockaddr_in()
loopback.sin_family = sa_family_t(AF_INET)
loopback.sin_port = UInt16(9).bigEndian
loopback.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian

let attempts: [Attempt] = [
    Attempt("open") { Int(open("/etc/passwd", O_RDONLY)) },
    Attempt("openat2", call: "openat2"),
    Attempt("creat", call: "creat"),
    Attempt("unlink") { Int(unlink("/nonexistent")) },
    Attempt("rename") { Int(rename("/nonexistent", "/nonexistent")) },
    Attempt("stat") {
        var info = stat(); return Int(stat("/", &info))
    },
    Attempt("read") {
        var byte: UInt8 = 0; return read(file, &byte, 1)
    },
    Attempt("socket") { Int(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) },
    Attempt("socket-unix") { Int(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)) },
    Attempt("connect") {
        withUnsafePointer(to: &loopback) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Int(connect(tcp, $0, socklen_t(MemoryLayout<sockaddr_in>.size)))
            }
        }
    },
    Attempt("bind", call: "bind", [3]),
    Attempt("listen") { Int(listen(tcp, 1)) },
    Attempt("sendto-address") {
        withUnsafePointer(to: &loopback) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(tcp, "x", 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    },
    Attempt("clone", call: "clone", [UInt(SIGCHLD)]),
    Attempt("clone3", call: "clone3"),
    Attempt("fork", call: "fork"),
    Attempt("vfork", call: "vfork"),
    Attempt("thread", startThread),
    Attempt("execve") { Int(execve("/bin/true", [nil], [nil])) },
    Attempt("execveat", call: "execveat"),
    Attempt("mmap-exec") { mapping(PROT_READ | PROT_EXEC, flags: MAP_PRIVATE | MAP_ANONYMOUS) },
    Attempt("mmap-file") { mapping(PROT_READ, flags: MAP_PRIVATE, descriptor: file) },
    Attempt("mprotect-exec", makeExecutable),
    Attempt("pkey_mprotect", call: "pkey_mprotect", [0, 4096, 4, UInt(bitPattern: -1)]),
    Attempt("ptrace", call: "ptrace", [16, 1]),
    Attempt("process_vm_readv", call: "process_vm_readv", [1]),
    Attempt("process_vm_writev", call: "process_vm_writev", [1]),
    Attempt("pidfd_open", call: "pidfd_open", [1]),
    Attempt("kill") { Int(kill(1, 0)) },
    Attempt("tgkill", call: "tgkill", [1, 1, 0]),
    Attempt("setsockopt-socket") { option(SOL_SOCKET, SO_BROADCAST, on: tcp) },
    Attempt("setsockopt-ip") { option(Int32(IPPROTO_IP), 2, on: tcp) },
    Attempt("setsockopt-ulp") { option(Int32(IPPROTO_TCP), 31, on: tcp) },
    Attempt("ioctl", call: "ioctl", [0, 0x5413]),
    Attempt("fcntl") { Int(fcntl(0, F_GETFD)) },
    Attempt("dup") { Int(dup(0)) },
    Attempt("write-elsewhere") { write(tcp, "x", 1) },
    Attempt("io_uring_setup", call: "io_uring_setup", [1]),
    Attempt("bpf", call: "bpf"),
    Attempt("userfaultfd", call: "userfaultfd"),
    Attempt("memfd_create", call: "memfd_create"),
    Attempt("unshare", call: "unshare"),
    Attempt("setns", call: "setns"),
    Attempt("mount", call: "mount"),
    Attempt("chroot", call: "chroot"),
    Attempt("setuid", call: "setuid"),
    Attempt("capset", call: "capset"),
    Attempt("prctl", call: "prctl", [4, 1]),
    Attempt("prlimit", call: "prlimit64"),
    Attempt("keyctl", call: "keyctl"),
    Attempt("rt_sigaction", call: "rt_sigaction", [10]),
    Attempt("futex-requeue", call: "futex", [0, 3]),
]

func report(_ attempt: Attempt) {
    errno = 0
    let result = attempt.make()
    let outcome =
        switch (result, errno) {
        case (-1, EPERM): "EPERM"
        case (-1, let code): "errno \(code)"
        default: "allowed"
        }
    let line = [UInt8]("\(attempt.name): \(outcome)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

var arguments = CommandLine.arguments.dropFirst()
if arguments.first == "serve-strict" {
    exit(WebProcess.run(gate: 3, strict: true))
}
let strict = arguments.first == "strict"
if strict {
    arguments = arguments.dropFirst()
}
let chosen = arguments.first == "all" ? attempts : attempts.filter { arguments.contains($0.name) }
do {
    try Confinement.enter(descriptors: 64, strict: strict)
} catch {
    print(error)
    exit(1)
}
if arguments.first == "x32" {
    // getpid by its x32 number: whatever the handler is, this kills.
    _ = nodekeep_system_call(0x4000_0027, 0, 0, 0, 0, 0)
}
for attempt in chosen {
    report(attempt)
}
let denied = [UInt8]("denied: \(DeniedCalls.count)\n".utf8)
_ = denied.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
exit(0)
