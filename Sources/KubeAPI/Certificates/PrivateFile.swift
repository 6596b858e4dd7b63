// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Files with private keys, which nobody but this user may have read or written. Blocks as disks do.
enum PrivateFile {
    struct Problem: Error, Equatable {
        let reason: String
        var isMissing = false
    }

    /// All of a file of ours. A link in its place is not followed.
    static func read(_ path: String) throws(Problem) -> [UInt8] {
        let (protection, bytes) = try naming("read", path) { () throws(ErrorNumber) in
            let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)
            let protection = try file.protection()
            return (protection, protection.isRegular ? try file.read(limit: CredentialFile.limit + 1) : [])
        }
        guard protection.isRegular, protection.owner == geteuid(), protection.mode & 0o077 == 0 else {
            throw Problem(
                reason: "\(ForeignText.line(path)) is not used: it must be a file of uid \(geteuid()) with mode 0600")
        }
        guard bytes.count <= CredentialFile.limit else {
            throw Problem(reason: "cannot read \(ForeignText.line(path)): larger than \(CredentialFile.limit) bytes")
        }
        return bytes
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
        try naming("write", path) { () throws(ErrorNumber) in try Descriptor.replace(path, with: bytes) }
    }

    static func remove(_ path: String) {
        unlink(path)
    }

    /// One level; that it is there already is fine.
    static func makeDirectory(_ path: String) throws(Problem) {
        try naming("make the directory", path) { () throws(ErrorNumber) in
            guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
            throw ErrorNumber(code: errno)
        }
    }

    private static func naming<Value>(
        _ what: String, _ path: String, _ body: () throws(ErrorNumber) -> Value
    ) throws(Problem) -> Value {
        do {
            return try body()
        } catch {
            throw Problem(
                reason: "cannot \(what) \(ForeignText.line(path)): \(error.reason)", isMissing: error.code == ENOENT)
        }
    }
}
