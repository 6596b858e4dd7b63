// SPDX-License-Identifier: Apache-2.0
@testable import Checkpoint

/// A tree with the files of /proc and /sys that a test puts there.
struct CgroupTree {
    static let version2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    static let version1 = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime shared:3 master:1 - cgroup cgroup rw,freezer
        38 31 0:35 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct

        """
    static let hybrid = version1 + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

    let scratch: ArchiveScratch
    let reader: CgroupReader

    init(mounts: String) throws {
        scratch = try ArchiveScratch()
        reader = CgroupReader(root: scratch.path)
        try put(mounts, "/proc/self/mountinfo")
    }

    func put(_ text: String, _ path: String) throws {
        try run("/bin/mkdir", "-p", scratch.path + String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try scratch.write(Array(text.utf8), to: String(path.dropFirst()))
    }

    /// Process 7.
    func process(cgroup: String, state: String = "S", status: String = "") throws {
        try put(cgroup, "/proc/7/cgroup")
        try put("7 (a) name) \(state) 1 7 7 0 -1", "/proc/7/stat")
        try put(status, "/proc/7/status")
    }

    func freezer() -> FreezerState { FreezerState.read(processID: 7, reader) }

    func memory(containerID: String = "0123456789abcdef") throws -> MemoryUse {
        try MemoryUse.read(processID: 7, containerID: containerID, reader)
    }
}
