// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An executable of this package: it lies beside the test bundle.
func executable(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let size = readlink("/proc/self/exe", &buffer, buffer.count)
    let own = String(decoding: buffer.prefix(max(size, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for start in [own, CommandLine.arguments.first ?? ""] + CommandLine.arguments.dropFirst() {
        var parts = start.split(separator: "/", omittingEmptySubsequences: false)
        while parts.count > 1 {
            parts.removeLast()
            let candidate = parts.joined(separator: "/") + "/" + name
            if access(candidate, X_OK) == 0 { return candidate }
        }
    }
    throw TestFailure("\(name) is not beside the tests")
}

/// Starts an executable with the given descriptors as its 3, 4, 5 and so on.
func spawn(_ name: String, _ arguments: [String] = [], inherit: [Int32] = [], errorsTo: Int32? = nil) throws -> pid_t {
    let path = try executable(name)
    // Out of the way first: a source must not be overwritten by another's target.
    let high = inherit.map { fcntl($0, F_DUPFD_CLOEXEC, 500) }
    defer { high.forEach { close($0) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (index, descriptor) in high.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
    }
    if let errorsTo {
        posix_spawn_file_actions_adddup2(&actions, errorsTo, STDERR_FILENO)
    }
    var texts = ([path] + arguments).map { strdup($0) } + [nil]
    defer { texts.forEach { free($0) } }
    var process: pid_t = 0
    let result = posix_spawn(&process, path, &actions, nil, &texts, environ)
    guard result == 0 else { throw TestFailure("posix_spawn \(path): \(result)") }
    return process
}

/// Runs an executable to its end. - Returns: What it wrote to standard error, and its wait status.
func run(_ name: String, _ arguments: [String]) throws -> (errors: String, status: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
        throw TestFailure("socketpair")
    }
    let process = try spawn(name, arguments, errorsTo: ends[1])
    close(ends[1])
    let errors = readToEnd(ends[0])
    close(ends[0])
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return (errors, status)
}

func listenOnLoopback() throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, size) == 0 && listen(descriptor, 512) == 0
                && getsockname(descriptor, address, &size) == 0
        }
    }
    guard result else { throw TestFailure("listen: \(errno)") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

func listenOnUnix(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    unlink(path)
    var address = unixAddress(path)
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(descriptor, 512) == 0
        }
    }
    guard result else { throw TestFailure("listen \(path): \(errno)") }
    return descriptor
}
