// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Small files that an operator has written.
enum RegularFile {
    struct Problem: Error {
        let reason: String
        let isMissing: Bool
    }

    /// Reads at most `limit` bytes of a regular file: a pipe or device in its place must not block or never end.
    static func read(_ path: String, limit: Int) -> Result<[UInt8], Problem> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            return .failure(Problem(reason: String(cString: strerror(errno)), isMissing: errno == ENOENT))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(Problem(reason: "not a regular file", isMissing: false))
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                return .failure(Problem(reason: String(cString: strerror(errno)), isMissing: false))
            }
            bytes += buffer.prefix(count)
        }
        return .success(bytes)
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
