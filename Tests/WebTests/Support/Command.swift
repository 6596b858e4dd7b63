// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Starts a program of this machine. Its standard error goes where its output goes.
func start(_ words: [String], input: Int32, output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    var texts = words.map { strdup($0) } + [nil]
    defer { texts.forEach { free($0) } }
    var process: pid_t = 0
    let result = posix_spawnp(&process, words.first ?? "", &actions, nil, &texts, environ)
    guard result == 0 else { throw TestFailure("posix_spawnp \(words.first ?? ""): \(result)") }
    return process
}

/// Runs a program to its end, for 20 seconds at most.
///
/// - Returns: Its exit status, and what it wrote to standard output and standard error.
func run(_ words: [String], input text: String = "") throws -> (status: Int32, output: String) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
        throw TestFailure("socketpair")
    }
    let process = try start(["timeout", "20"] + words, input: ends[1], output: ends[1])
    close(ends[1])
    let bytes = [UInt8](text.utf8)
    _ = bytes.withUnsafeBytes { send(ends[0], $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(ends[0], Int32(SHUT_WR))
    let output = readToEnd(ends[0])
    close(ends[0])
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return ((status >> 8) & 0xFF, output)
}

func readBytes(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TestFailure("open \(path): \(errno)") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return bytes }
        bytes.append(contentsOf: chunk.prefix(count))
    }
}

func writeBytes(_ bytes: [UInt8], _ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw TestFailure("open \(path): \(errno)") }
    defer { close(descriptor) }
    guard bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
        throw TestFailure("write \(path): \(errno)")
    }
}
