// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What tells that somebody works in a directory: how many files, how many bytes, when anything of it was last changed.
struct DirectoryContent: Equatable {
    private(set) var files = 0
    private(set) var bytes: UInt64 = 0
    /// Wall clock, since 1970.
    private(set) var changed: Duration

    /// More are not looked at: a dump makes some tens for each process.
    private static let limit = 10_000

    /// - Parameter status: of the directory.
    init(_ path: String, _ status: stat) {
        changed = Duration(status.st_ctim)
        add(entriesOf: path)
    }

    /// Those of another directory too; none there: nothing to add.
    mutating func add(entriesOf path: String) {
        guard let stream = opendir(path) else { return }
        defer { closedir(stream) }
        while files < Self.limit, let entry = readdir(stream) {
            var status = stat()
            let isThere = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    // Not `.` nor `..`: the first is the directory, the other one is not of it.
                    !(name[0] == 46 && (name[1] == 0 || (name[1] == 46 && name[2] == 0)))
                        && fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0
                }
            }
            guard isThere else { continue }
            files += 1
            if status.st_mode & S_IFMT == S_IFREG { bytes &+= UInt64(clamping: status.st_size) }
            changed = max(changed, Duration(status.st_ctim))
        }
    }
}

extension Duration {
    init(_ time: timespec) {
        self = .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
