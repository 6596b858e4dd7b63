// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// Finds and reads the `criu-dump.log` of a dump that failed.
enum DumpLogFinder {
    private static let fileName = "criu-dump.log"
    private static let limit = 64 << 10

    /// - Parameters:
    ///   - message: the runtime's error; runc's ends in `path= <bundle>/criu-dump.log`.
    ///   - candidates: where else it may be.
    /// - Returns: the end of the first that is there.
    static func read(message: String, containerID: String, candidates: [String]) -> [UInt8]? {
        for path in [path(in: message, containerID: containerID)].compactMap(\.self) + candidates {
            if let bytes = end(of: path) { return bytes }
        }
        return nil
    }

    /// The path that an error names, only if it is of the shape it must have: the runtime repeats what programs that
    /// ran on the container have printed.
    static func path(in message: String, containerID: String) -> String? {
        guard isOneName(containerID) else { return nil }
        let ending = "/\(containerID)/\(fileName)"
        for word in message.split(whereSeparator: { $0.isWhitespace || $0 == "\"" || $0 == "'" || $0 == "`" }) {
            let path = word.hasPrefix("path=") ? word.dropFirst(5) : word
            guard path.hasPrefix("/"), path.hasSuffix(ending), path.utf8.count < Int(PATH_MAX),
                !path.utf8.contains(0),
                !path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) })
            else { continue }
            return String(path)
        }
        return nil
    }

    /// The end of a regular file of our own that is no link.
    private static func end(of path: String) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else { return nil }
        let file = Descriptor(adopting: number)
        guard let status = try? file.status(), status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            return nil
        }
        if status.st_size > limit { lseek(number, off_t(-limit), SEEK_END) }
        return try? file.read(limit: limit)
    }
}
