// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Files with keys, certificates and tokens. Blocks: on a hung disk for as long as that hangs.
enum CredentialFile {
    static let limit = 1 << 20

    struct Problem: Error, Equatable {
        let reason: String
    }

    /// All of a file that is not larger than so many bytes. A pipe in its place does not block, and a device does not go on
    /// for ever.
    static func read(_ path: String, limit: Int = limit) throws(Problem) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY).read(limit: limit + 1)
        } catch {
            throw Problem(reason: error.reason)
        }
        guard bytes.count <= limit else { throw Problem(reason: "larger than \(limit) bytes") }
        return bytes
    }
}
