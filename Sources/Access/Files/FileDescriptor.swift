// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// `errno` of a call that failed, before it is put into words.
struct SystemError: Error, Equatable {
    let code: Int32

    var reason: String { String(cString: strerror(code)) }
}

/// An open file, closed with the last reference to it.
final class FileDescriptor: Sendable {
    let number: Int32

    /// openat(2) with O_CLOEXEC, again where a signal interrupts it.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        number = try retrying { openat(directory, path, flags | O_CLOEXEC, mode) }
    }

    deinit { close(number) }

    func status() throws(SystemError) -> stat {
        var status = stat()
        _ = try retrying { fstat(number, &status) }
        return status
    }

    /// At most `limit` bytes from where it stands.
    func read(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(65_536, max(limit, 1)))
        while bytes.count < limit {
            let count = try retrying { Glibc.read(number, &buffer, min(buffer.count, limit - bytes.count)) }
            if count == 0 { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }

    func write(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = try retrying { rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) } }
            rest = rest.dropFirst(written)
        }
    }

    /// Until it is on the disk.
    func synchronize() throws(SystemError) { _ = try retrying { fsync(number) } }
}

/// Calls until it does not fail with EINTR.
func retrying<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw SystemError(code: errno) }
    }
}
