// SPDX-License-Identifier: Apache-2.0
import Glibc
import Posix

@testable import Checkpoint

/// A new directory under /tmp, removed with the object.
final class ArchiveScratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/archive-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StorageError("make", "a directory in /tmp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? run("/bin/rm", "-rf", path) }

    /// A checkpoint directory in it.
    func checkpoints() throws -> CheckpointDirectory {
        try CheckpointDirectory.open(path + "/checkpoints", creating: true)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = try Descriptor.open(in: AT_FDCWD, path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try file.write(bytes)
    }

    func read(_ name: String) throws -> [UInt8] {
        try Descriptor.open(in: AT_FDCWD, path + "/" + name, O_RDONLY).read(limit: 1 << 30)
    }
}

let someJob = JobID("20261121t061233-4f9a2c1b")!

/// Runs a program to its end. Its standard output goes to /dev/null.
///
/// - Returns: the exit code; 256 and more for a signal.
@discardableResult
func run(_ arguments: String...) throws -> Int32 { try run(arguments) }

@discardableResult
func run(_ arguments: [String]) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    var pointers = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    var process: pid_t = 0
    let code = posix_spawnp(&process, arguments[0], &actions, nil, pointers, environ)
    guard code == 0 else { throw StorageError("run", arguments[0], code: code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw StorageError("wait for", arguments[0], code: errno) }
    }
    return status & 0x7f == 0 ? status >> 8 & 0xff : 256 + status & 0x7f
}

func mode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

func exists(_ path: String) -> Bool { mode(path) != nil }

/// The error that `body` throws; nil when it throws none, or another one.
func storageError(_ body: () throws -> Void) -> StorageError? {
    do { try body() } catch { return error as? StorageError }
    return nil
}
