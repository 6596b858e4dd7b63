// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NodeStatus
internal import Posix

/// Who else may read or write a file before we take its word.
enum FileProtection: Equatable, Sendable {
    /// It holds secrets: mode 0600 or stricter, and it belongs to this user.
    case secret(owner: UInt32)
    /// A server's private key: nobody but its owner may write it, and nobody but he and the group read it.
    case key
    /// It says whom to trust: nobody but its owner may write it.
    case trusted
}

/// Which content of which file, without reading it.
struct FileSignature: Equatable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Timestamp
    var changed: Timestamp

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Self.timestamp(status.st_mtim)
        changed = Self.timestamp(status.st_ctim)
    }

    private static func timestamp(_ time: timespec) -> Timestamp {
        Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(clamping: time.tv_nsec))
    }
}

/// Reads the files that decide who gets in. Links are followed, since Kubernetes mounts certificates and tokens behind
/// them; what counts is the file that was opened.
enum GuardedFile {
    struct Failure: Error, Equatable {
        var reason: String
        var isMissing = false
        /// It was written while it was read.
        var isUnsettled = false
        /// Nil where there is no file to have one.
        var signature: FileSignature?
    }

    struct Content {
        var bytes: [UInt8]
        var signature: FileSignature
    }

    /// What is there now; nil: nothing that can be looked at.
    static func signature(of path: String) -> FileSignature? {
        var status = stat()
        return stat(path, &status) == 0 ? FileSignature(status) : nil
    }

    static func read(_ path: String, limit: Int, _ protection: FileProtection) throws(Failure) -> Content {
        do {
            // A pipe or device in its place must not block.
            let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let before = try file.status()
            let signature = FileSignature(before)
            if let problem = problem(before, limit: limit, protection, path) {
                throw Failure(reason: problem, signature: signature)
            }
            let bytes = try file.read(limit: limit + 1)
            guard bytes.count <= limit else {
                throw Failure(reason: "it is larger than \(limit) bytes", signature: signature)
            }
            guard FileSignature(try file.status()) == signature, bytes.count == signature.size else {
                throw Failure(reason: "it is being written", isUnsettled: true)
            }
            return Content(bytes: bytes, signature: signature)
        } catch let error as ErrorNumber {
            throw Failure(reason: error.reason, isMissing: error.code == ENOENT)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(reason: "\(error)")
        }
    }

    /// Why a file that has been opened is not taken; nil: it is.
    static func problem(_ status: stat, limit: Int, _ protection: FileProtection, _ path: String) -> String? {
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is not a regular file" }
        guard status.st_size <= limit else { return "it is larger than \(limit) bytes" }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        switch protection {
        case .secret(let owner):
            guard status.st_uid == owner else {
                let user = owner == 0 ? "root" : "uid \(owner)"
                return "it belongs to uid \(status.st_uid), who could let anybody in; chown \(owner) \(path) "
                    + "makes it \(user)'s"
            }
            guard status.st_mode & 0o177 == 0 else {
                return "it has mode 0\(mode): only its owner may read it; chmod 0600 \(path)"
            }
        case .key:
            guard status.st_mode & 0o037 == 0 else {
                return "it has mode 0\(mode): others could read or exchange the key; chmod 0600 \(path)"
            }
        case .trusted:
            guard status.st_mode & 0o022 == 0 else {
                return "it has mode 0\(mode): others than its owner could let anybody in; chmod go-w \(path)"
            }
        }
        return nil
    }
}
