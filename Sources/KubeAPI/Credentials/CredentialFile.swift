// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Files with keys, certificates and tokens. Blocks: on a hung disk for as long as that hangs.
enum CredentialFile {
    static let limit = 1 << 20

    struct Problem: Error, Equatable {
        let reason: String
    }

    /// All of a file that is not larger than so many bytes. A pipe in its place does not block, and a device does not go on
    /// for ever.
    static func read(_ path: String, limit: Int = limit) throws(Problem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Problem(reason: reason(errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw Problem(reason: reason(errno))
            }
            bytes += buffer.prefix(count)
        }
        throw Problem(reason: "larger than \(limit) bytes")
    }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
