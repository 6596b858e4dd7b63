// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// What connect(2) says of a Unix socket, asked without a byte being sent.
enum UnixSocket {
    /// The system's own words.
    static func reason(_ number: Int32) -> String {
        String(cString: strerror(number)).lowercasedFirst
    }

    /// Why nobody can be reached there just now; nil: somebody listens. Does not block.
    static func obstacle(at path: String) -> String? {
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return reason(errno) }
        defer { close(descriptor) }
        guard nodekeep_connect_unix(descriptor, path) != 0 else { return nil }
        // EAGAIN: somebody listens who has not come round to accepting.
        return errno == EAGAIN ? nil : reason(errno)
    }

    /// The process that listens there, by SO_PEERCRED: the one that called listen(2). Blocks as connect(2) does.
    static func listener(at path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard nodekeep_connect_unix(descriptor, path) == 0 else { return nil }
        // struct ucred, which the Glibc module hides: pid, uid, gid.
        var credentials: [Int32] = [0, 0, 0]
        var size = socklen_t(credentials.count * MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials[0] > 0 else {
            return nil
        }
        return credentials[0]
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
