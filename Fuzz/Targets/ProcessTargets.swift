// SPDX-License-Identifier: Apache-2.0

@testable import Checkpoint

extension FuzzTarget {
    /// Texts about processes and their cgroups, and the log of CRIU: each is tried as each.
    static let processText = FuzzTarget(name: "process-text", maximumLength: 4_096) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let stat = ProcStat(text) {
            check(text.utf8.contains(stat.command.utf8), "a command that is there")
        }
        let membership = CgroupMembership(text)
        for path in Array(membership.version1.values) + [membership.version2].compactMap(\.self) {
            check(path.utf8.first == 0x2f && !path.utf8.contains(0x0a), "a cgroup's path: \(path.debugDescription)")
        }
        let mounts = CgroupMounts(mountinfo: text)
        check(mounts.version1.count <= bytes.count, "a controller takes its room")
        check(!mounts.version1.keys.contains { $0.utf8.contains(0x0a) }, "a controller is on one line")

        if let path = DumpLogFinder.path(in: text, containerID: "4f9a2c1b") {
            let parts = path.utf8.split(separator: 0x2f)
            check(!parts.contains { $0.elementsEqual("..".utf8) }, "\(path.debugDescription) stays where it is")
        }
        let lines = CriuLog.lastLines(bytes)
        check(lines.count <= 20, "the last lines and no more")
        for line in lines { checkLine(line, limit: 300) }
    }
}
