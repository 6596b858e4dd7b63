// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Small files that an operator has written.
enum RegularFile {
    struct Problem: Error {
        let reason: String
        let isMissing: Bool
    }

    /// Reads at most `limit` bytes of a regular file: a pipe or device in its place must not block or never end.
    static func read(_ path: String, limit: Int) -> Result<[UInt8], Problem> {
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
            guard try file.status().st_mode & S_IFMT == S_IFREG else {
                return .failure(Problem(reason: "not a regular file", isMissing: false))
            }
            return .success(try file.read(limit: limit))
        } catch {
            return .failure(Problem(reason: error.reason, isMissing: error.code == ENOENT))
        }
    }
}

enum StandardError {
    static func print(_ line: String) {
        write(line + "\n")
    }

    static func write(_ text: String) {
        var bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, &bytes, bytes.count)
    }
}
