// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The directories that the agent writes to.
enum Directories {
    /// Makes a directory with its parents and proves that it can be written to.
    ///
    /// - Throws: `AgentError` naming the directory, why, and the field that sets it.
    static func prepare(_ path: String, mode: mode_t, field: String) throws {
        let hint = "set \(field)"
        var built = ""
        for component in path.split(separator: "/") {
            built += "/" + component
            let isLast = built.utf8.count == path.utf8.count || built + "/" == path
            if mkdir(built, isLast ? mode : 0o755) != 0, errno != EEXIST {
                throw AgentError("create the directory", built, code: errno, hint: hint)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw AgentError("look at the directory", path, code: errno, hint: hint) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw AgentError("\(path) is not a directory; \(hint)") }
        guard access(path, W_OK | X_OK) == 0 else { throw AgentError("write to", path, code: errno, hint: hint) }
    }

    /// Takes the lock that says "this run directory has an agent". The kernel drops it when the process ends, however.
    ///
    /// - Returns: the descriptor that holds the lock; keep it open.
    /// - Throws: `AgentError` when another agent has it.
    static func lock(runDirectory: String) throws -> Int32 {
        let path = runDirectory + "/nodekeep.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AgentError("open", path, code: errno, hint: "set runDir or --run-dir") }
        // One that was killed a moment ago is on its way out, or a process that it was about to start is.
        let deadline = Time.monotonic() + .seconds(1)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            if code == EWOULDBLOCK, Time.monotonic() < deadline {
                usleep(20_000)
                continue
            }
            close(descriptor)
            if code == EWOULDBLOCK {
                throw AgentError(
                    "another nodekeep runs with \(runDirectory); stop it, or give this one its own --run-dir")
            }
            throw AgentError("lock", path, code: code)
        }
        return descriptor
    }
}
