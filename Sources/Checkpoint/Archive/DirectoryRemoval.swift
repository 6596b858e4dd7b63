// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Names in a directory, in no particular order, without `.` and `..`.
///
/// - Throws: `StorageError`; more than a million names are an error as well.
func directoryNames(_ directory: Descriptor, path: String) throws(StorageError) -> [String] {
    try rawDirectoryNames(directory, path: path).map {
        String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The same to the byte, each with a zero at its end: a name need not be text.
private func rawDirectoryNames(_ directory: Descriptor, path: String) throws(StorageError) -> [[CChar]] {
    try naming("list", path) { () throws(ErrorNumber) in
        // Its own open file: a duplicate would share the position with every other reader.
        let number = try retrying { openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(number) else {
            let code = errno
            close(number)
            throw ErrorNumber(code: code)
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw ErrorNumber(code: errno) }
                return names
            }
            let name: [CChar] = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { start -> [CChar] in
                    Array(UnsafeBufferPointer(start: start, count: strnlen(start, 255))) + [0]
                }
            }
            if name == [0x2e, 0] || name == [0x2e, 0x2e, 0] { continue }
            guard names.count < 1 << 20 else { throw ErrorNumber(code: EOVERFLOW) }
            names.append(name)
        }
    }
}

/// Removes a directory and everything below it; missing is as good as removed.
///
/// Links are removed, not followed; what is mounted below is not entered. While somebody still writes into it, it is
/// emptied again, a few times.
func removeTree(in parent: Descriptor, _ name: String, path: String) throws(StorageError) {
    try removeTree(in: parent, Array(name.utf8CString), path: path, depth: 0)
}

private func removeTree(
    in parent: Descriptor, _ name: [CChar], path: String, depth: Int
) throws(StorageError) {
    // Runtimes write files into a job directory, not trees.
    guard depth < 16 else { throw StorageError("\(path) is nested too deeply to be removed; remove it by hand") }
    let device = try naming("look at", path) { () throws(ErrorNumber) in try parent.status().st_dev }
    var last: Int32 = 0
    for _ in 0..<8 {
        let opened: Descriptor
        do {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            opened = Descriptor(adopting: try retrying { openat(parent.number, name, flags) })
        } catch {
            if error.code == ENOENT { return }
            guard error.code == ENOTDIR || error.code == ELOOP else {
                throw StorageError("open", path, code: error.code)
            }
            if unlinkat(parent.number, name, 0) == 0 || errno == ENOENT { return }
            throw StorageError("remove", path, code: errno)
        }
        let status = try naming("look at", path) { () throws(ErrorNumber) in try opened.status() }
        guard status.st_dev == device else { throw StorageError("remove", path, code: EXDEV, hint: "unmount it") }
        // The lock goes last: until then whoever finds the directory knows that it is taken care of.
        let lock = Array(JobFile.lock.rawValue.utf8CString)
        let names = try rawDirectoryNames(opened, path: path)
        for child in names.filter({ $0 != lock }) + names.filter({ $0 == lock }) {
            if unlinkat(opened.number, child, 0) == 0 || errno == ENOENT { continue }
            let code = errno
            let childPath = path + "/" + String(decoding: child.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard code == EISDIR || code == EPERM else { throw StorageError("remove", childPath, code: code) }
            try removeTree(in: opened, child, path: childPath, depth: depth + 1)
        }
        if unlinkat(parent.number, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        last = errno
        guard last == ENOTEMPTY || last == EEXIST else { break }
    }
    throw StorageError("remove", path, code: last)
}
