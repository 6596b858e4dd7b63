// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Opens directories that nobody but their owner may look into: archives hold everything a process had in memory.
enum PrivateDirectory {
    private static let hint = "or set checkpointDirectory to another place"

    /// Opens `path`, an absolute one, without following a link at its last component, and checks owner and mode.
    ///
    /// - Parameter creating: makes it 0700 where it is missing, and its parents 0755, as every directory is on the way
    ///   to /var/lib: what protects the archives is the last one, and the parents may be other programs' as well.
    static func open(_ path: String, owner: uid_t, creating: Bool) throws(StorageError) -> Descriptor {
        guard path.hasPrefix("/"), path.utf8.count < Int(PATH_MAX), !path.utf8.contains(0) else {
            throw StorageError(
                "the checkpoint directory \(path) is not an absolute path; set checkpointDirectory to one")
        }
        if creating { try makeParents(of: path) }
        return try open(in: AT_FDCWD, path, path: path, owner: owner, creating: creating)
    }

    /// The same for one name in an open directory; `path` is for messages.
    static func open(
        in directory: Int32, _ name: String, path: String, owner: uid_t, creating: Bool
    ) throws(StorageError) -> Descriptor {
        var isNew = false
        if creating {
            if mkdirat(directory, name, 0o700) == 0 {
                isNew = true
            } else if errno != EEXIST {
                throw StorageError("create the directory", path, code: errno, hint: hint)
            }
        }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let opened: Descriptor
        do {
            opened = try Descriptor.open(in: directory, name, flags)
        } catch {
            throw refusal(in: directory, name, path: path, code: error.code)
        }
        if isNew {
            // The umask may have taken bits away, and a parent's setgid bit may have added one.
            try naming("set the mode of", path) { () throws(ErrorNumber) in
                _ = try retrying { fchmod(opened.number, 0o700) }
                try opened.synchronize()
            }
            try synchronizeParent(directory, path)
        }
        try check(opened, path: path, owner: owner)
        return opened
    }

    static func check(_ directory: Descriptor, path: String, owner: uid_t) throws(StorageError) {
        let status = try naming("look at the directory", path) { () throws(ErrorNumber) in try directory.status() }
        guard status.st_uid == owner else {
            throw StorageError(
                "\(path) belongs to \(userName(status.st_uid)), which could read and exchange archives there; "
                    + "make it \(userName(owner))'s (chown \(owner) \(path)), \(hint)")
        }
        let mode = status.st_mode & 0o777
        guard mode == 0o700 else {
            let digits = String(mode, radix: 8)
            throw StorageError(
                "\(path) has mode 0\(String(repeating: "0", count: 3 - digits.utf8.count))\(digits): archives hold the "
                    + "memory of containers, only its owner may enter; chmod 0700 \(path), \(hint)")
        }
    }

    private static func makeParents(of path: String) throws(StorageError) {
        var built = ""
        for component in path.split(separator: "/").dropLast() {
            built += "/" + component
            if mkdir(built, 0o755) != 0, errno != EEXIST {
                throw StorageError("create the directory", built, code: errno, hint: hint)
            }
        }
    }

    /// So that a directory that was made does not vanish with its archives when the machine loses power.
    private static func synchronizeParent(_ directory: Int32, _ path: String) throws(StorageError) {
        try naming("write to the disk the directory above", path) { () throws(ErrorNumber) in
            guard directory == AT_FDCWD else {
                _ = try retrying { fsync(directory) }
                return
            }
            var parent = path[...]
            while parent.hasSuffix("/") { parent.removeLast() }
            parent = parent[..<(parent.lastIndex(of: "/") ?? parent.startIndex)]
            try Descriptor.open(in: AT_FDCWD, parent.isEmpty ? "/" : String(parent), O_RDONLY | O_DIRECTORY)
                .synchronize()
        }
    }

    private static func refusal(in directory: Int32, _ name: String, path: String, code: Int32) -> StorageError {
        var status = stat()
        if fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
            if status.st_mode & S_IFMT == S_IFLNK {
                return StorageError(
                    "\(path) is a symbolic link, and whoever can change it decides where archives go; "
                        + "name the directory that it leads to, \(hint)", code: code)
            }
            if status.st_mode & S_IFMT != S_IFDIR {
                return StorageError("\(path) is not a directory; remove it, \(hint)", code: code)
            }
        }
        return StorageError("open the directory", path, code: code, hint: hint)
    }

    private static func userName(_ user: uid_t) -> String { user == 0 ? "root" : "uid \(user)" }
}
