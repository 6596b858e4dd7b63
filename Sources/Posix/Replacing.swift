// SPDX-License-Identifier: Apache-2.0
package import Glibc

extension Descriptor {
    /// Writes a file of this directory anew: beside it, synced, renamed. Whoever reads sees the old file or the new one,
    /// never a part, and so it is after a crash. Only one at a time may do it: what is there under the name beside it was
    /// left behind.
    ///
    /// - Parameters:
    ///   - mode: the file's, whatever the umask is.
    ///   - durably: waits until file and directory are on the disk.
    package func replace(
        _ name: String, with bytes: [UInt8], mode: mode_t = 0o600, durably: Bool = true
    ) throws(ErrorNumber) {
        let temporary = "." + name + ".new"
        unlinkat(number, temporary, 0)
        let file = try Descriptor.open(in: number, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do throws(ErrorNumber) {
            _ = try retrying { fchmod(file.number, mode) }
            try file.write(bytes)
            if durably { try file.synchronize() }
            _ = try retrying { renameat(number, temporary, number, name) }
        } catch {
            unlinkat(number, temporary, 0)
            throw error
        }
        if durably { try synchronize() }
    }

    /// The same for a file that is named by its path.
    package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600) throws(ErrorNumber) {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        try Descriptor.open(directory, O_RDONLY | O_DIRECTORY).replace(name, with: bytes, mode: mode)
    }
}
