// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Where the file of this program is, or was: an upgrade may have put another one there.
enum OwnExecutable {
    /// - Throws: `AgentError` where /proc does not say it.
    static func path() throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { throw AgentError("read", "/proc/self/exe", code: errno) }
        let path = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The kernel says so of a file that has been replaced (proc(5)).
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    }
}
