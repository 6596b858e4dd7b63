// SPDX-License-Identifier: Apache-2.0

/// Where the cgroup hierarchies are mounted, out of /proc/self/mountinfo.
struct CgroupMounts: Equatable, Sendable {
    struct Place: Equatable, Sendable {
        var mountPoint: String
        /// The cgroup that is visible at the mount point; `/` but for bind mounts and in containers.
        var root: String
    }

    /// By controller: `freezer`, `memory`.
    var version1: [String: Place] = [:]
    var version2: Place?

    /// Lines that make no sense are passed over.
    init(mountinfo text: String) {
        for line in text.kernelLines {
            // `42 31 0:29 / /sys/fs/cgroup/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer` (proc(5)).
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count > dash + 3 else { continue }
            let place = Place(mountPoint: Self.unescaped(fields[4]), root: Self.unescaped(fields[3]))
            switch fields[dash + 1] {
            case "cgroup2": version2 = Self.better(version2, place)
            case "cgroup":
                for controller in fields[dash + 3].split(separator: ",") {
                    version1[String(controller)] = Self.better(version1[String(controller)], place)
                }
            default: break
            }
        }
    }

    /// Of two places of one hierarchy the one that shows all of it, else the shorter name.
    private static func better(_ one: Place?, _ other: Place) -> Place {
        guard let one else { return other }
        if (one.root == "/") != (other.root == "/") { return one.root == "/" ? one : other }
        return other.mountPoint.utf8.count < one.mountPoint.utf8.count ? other : one
    }

    /// `\040` and its like become the byte again.
    private static func unescaped(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The cgroups that a process is in, out of /proc/PID/cgroup.
struct CgroupMembership: Equatable, Sendable {
    /// By controller.
    var version1: [String: String] = [:]
    var version2: String?

    /// Lines that make no sense are passed over.
    init(_ text: String) {
        for line in text.kernelLines {
            // `6:freezer:/kubepods/…`, `0::/kubepods.slice/…` (cgroups(7)).
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, fields[2].utf8.first == UInt8(ascii: "/") else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                version2 = String(fields[2])
            } else {
                for controller in fields[1].split(separator: ",") { version1[String(controller)] = String(fields[2]) }
            }
        }
    }
}

extension String {
    /// Lines as the kernel ends them. To Swift a carriage return and a line feed are one character, and whoever makes a
    /// cgroup may have the one at the end of its name.
    var kernelLines: [Substring] { utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) } }
}
