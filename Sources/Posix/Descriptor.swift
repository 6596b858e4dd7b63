// SPDX-License-Identifier: Apache-2.0
package import Glibc

/// An open file descriptor, closed with the last reference to it.
package final class Descriptor: Sendable {
    package let number: Int32

    package init(adopting number: Int32) {
        self.number = number
    }

    deinit { close(number) }

    /// openat(2) with O_CLOEXEC, again where a signal interrupts it.
    ///
    /// - Parameter directory: where a relative name is looked for.
    package static func open(
        in directory: Int32 = AT_FDCWD, _ name: String, _ flags: Int32, mode: mode_t = 0
    ) throws(ErrorNumber) -> Descriptor {
        let number = try retrying { openat(directory, name, flags | O_CLOEXEC, mode) }
        return Descriptor(adopting: number)
    }

    package func status() throws(ErrorNumber) -> stat {
        var status = stat()
        _ = try retrying { fstat(number, &status) }
        return status
    }

    /// What there is to know of a file that may be trusted or not. Where a library brings full Foundation along, Swift takes
    /// `stat` for CoreFoundation's, and its fields are out of reach.
    package func protection() throws(ErrorNumber) -> (isRegular: Bool, mode: mode_t, owner: uid_t) {
        let status = try status()
        return (status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o7777, status.st_uid)
    }

    /// Whether both are of one and the same file.
    package func isSameFile(as other: Descriptor) throws(ErrorNumber) -> Bool {
        let (own, others) = (try status(), try other.status())
        return own.st_ino == others.st_ino && own.st_dev == others.st_dev
    }

    /// Until it is on the disk.
    package func synchronize() throws(ErrorNumber) { _ = try retrying { fsync(number) } }

    package func write(_ bytes: [UInt8]) throws(ErrorNumber) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = try retrying { rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) } }
            rest = rest.dropFirst(written)
        }
    }

    /// At most `limit` bytes from where it stands.
    package func read(limit: Int) throws(ErrorNumber) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(65_536, max(limit, 1)))
        while bytes.count < limit {
            let count = try retrying { Glibc.read(number, &buffer, min(buffer.count, limit - bytes.count)) }
            if count == 0 { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}

/// `errno` of a call that failed, before it is put into words.
package struct ErrorNumber: Error, Equatable {
    package let code: Int32

    package init(code: Int32) {
        self.code = code
    }

    /// The C library's word for it.
    package var reason: String { String(cString: strerror(code)) }
}

/// Calls until it does not fail with EINTR.
package func retrying<Result: SignedInteger>(_ call: () -> Result) throws(ErrorNumber) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw ErrorNumber(code: errno) }
    }
}
