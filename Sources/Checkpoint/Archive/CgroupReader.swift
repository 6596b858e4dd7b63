// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix
internal import Synchronization

/// Finds the cgroups of a process in the file system. Reads from /proc and /sys only, which block on nothing.
final class CgroupReader: Sendable {
    /// That of this machine. Mounts are read once: the hierarchies of a machine stay where they are.
    static let system = CgroupReader(root: "")

    /// Put before every path: a tree of a test.
    private let root: String
    private let mounts = Mutex<CgroupMounts?>(nil)

    init(root: String) {
        self.root = root
    }

    enum Problem: Error, Equatable {
        /// There is no such process (any more).
        case gone
        case unknown(String)
    }

    /// A cgroup's directory.
    struct Directory: Equatable {
        var path: String
        /// The top of a hierarchy, which has neither a freezer nor, in version 2, numbers of its own.
        var isTop: Bool
    }

    func membership(of processID: Int32) throws(Problem) -> CgroupMembership {
        do {
            return CgroupMembership(try text("/proc/\(processID)/cgroup", limit: 64 << 10))
        } catch {
            if error.code == ENOENT || error.code == ESRCH { throw .gone }
            throw .unknown("/proc/\(processID)/cgroup: \(String(cString: strerror(error.code)))")
        }
    }

    /// The directory of a version 1 controller; nil where there is no such hierarchy.
    func directory(_ controller: String, of membership: CgroupMembership) throws(Problem) -> Directory? {
        guard let path = membership.version1[controller],
            let place = try currentMounts({ $0.version1[controller] != nil }).version1[controller]
        else { return nil }
        return try directory(path, at: place)
    }

    /// The directory in the version 2 hierarchy; nil where there is none.
    func directory(of membership: CgroupMembership) throws(Problem) -> Directory? {
        guard let path = membership.version2, let place = try currentMounts({ $0.version2 != nil }).version2 else {
            return nil
        }
        return try directory(path, at: place)
    }

    private func directory(_ cgroup: String, at place: CgroupMounts.Place) throws(Problem) -> Directory {
        // The kernel marks those that were removed under their processes.
        if cgroup.hasSuffix(" (deleted)") { throw .gone }
        guard !cgroup.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) else {
            throw .unknown("its cgroup \(printable(cgroup)) is outside of the namespace that is seen from here")
        }
        guard place.root != "/" else {
            return Directory(path: place.mountPoint + (cgroup == "/" ? "" : cgroup), isTop: cgroup == "/")
        }
        guard cgroup == place.root || cgroup.hasPrefix(place.root + "/") else {
            throw .unknown(
                "its cgroup \(printable(cgroup)) is not below \(printable(place.root)), which is all that is mounted here"
            )
        }
        return Directory(path: place.mountPoint + cgroup.dropFirst(place.root.count), isTop: false)
    }

    /// Read again while they lack what is asked for.
    private func currentMounts(_ isEnough: (CgroupMounts) -> Bool) throws(Problem) -> CgroupMounts {
        if let known = mounts.withLock({ $0 }), isEnough(known) { return known }
        do {
            let read = CgroupMounts(mountinfo: try text("/proc/self/mountinfo", limit: 16 << 20))
            mounts.withLock { $0 = read }
            return read
        } catch {
            throw .unknown("/proc/self/mountinfo: \(String(cString: strerror(error.code)))")
        }
    }

    /// At most `limit` bytes of a file of the kernel's.
    func text(_ path: String, limit: Int = 64 << 10) throws(ErrorNumber) -> String {
        let file = try Descriptor.open(in: AT_FDCWD, root + path, O_RDONLY | O_NONBLOCK)
        return String(decoding: try file.read(limit: limit), as: UTF8.self)
    }

    /// Whether it has ended, and only waits for its parent to notice.
    func isOver(_ processID: Int32) -> Bool {
        do {
            let stat = try text("/proc/\(processID)/stat")
            // `4711 (any) name)) Z 1 …`
            guard let name = stat.lastIndex(of: ")") else { return false }
            let state = stat[name...].dropFirst(2).first
            return state == "Z" || state == "X"
        } catch {
            return error.code == ENOENT || error.code == ESRCH
        }
    }

    /// The names of directories in a directory.
    func directories(in path: String) -> [String] {
        guard let opened = try? Descriptor.open(in: AT_FDCWD, root + path, O_RDONLY | O_DIRECTORY),
            let names = try? directoryNames(opened, path: path)
        else { return [] }
        return names.filter { name in
            var status = stat()
            return fstatat(opened.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }
}
