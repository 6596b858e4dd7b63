// SPDX-License-Identifier: Apache-2.0
package import CRI
internal import Glibc
internal import Posix

/// The memory of a container that a dump has to write. Bytes.
package struct MemoryUse: Equatable, Sendable {
    /// Anonymous memory, once for every process that has it: CRIU writes pages that processes share since a fork for
    /// each of them.
    package var anonymous: UInt64
    /// Shared memory and tmpfs.
    package var shared: UInt64
    package var swap: UInt64
    /// 0 where it is not known.
    package var processes: UInt64

    package init(anonymous: UInt64, shared: UInt64, swap: UInt64, processes: UInt64 = 0) {
        self.anonymous = anonymous
        self.shared = shared
        self.swap = swap
        self.processes = processes
    }
}

extension MemoryUse {
    /// What the runtime says: less exact, for shared memory is not in it. Nil where it does not say.
    package init?(_ usage: ContainerUsage) {
        guard let rss = usage.rss else { return nil }
        self.init(anonymous: rss, shared: 0, swap: usage.swapUsage ?? 0)
    }
}

/// Why the memory of a container cannot be told.
package struct MemoryUseProblem: Error, Equatable, CustomStringConvertible {
    package let description: String
}

extension MemoryUse {
    /// More processes than these are not asked one by one.
    static let processLimit = 4096

    /// Reads the cgroup of a container: `memory.stat`, and of each process what it has for itself.
    ///
    /// - Parameters:
    ///   - processID: a process of the container, its first.
    ///   - containerID: the cgroup is the one that has this in its name, where the process is in one below.
    package static func read(processID: Int32, containerID: String) throws(MemoryUseProblem) -> MemoryUse {
        try read(processID: processID, containerID: containerID, .system)
    }

    static func read(
        processID: Int32, containerID: String, _ reader: CgroupReader
    ) throws(MemoryUseProblem) -> MemoryUse {
        guard processID > 0 else { throw MemoryUseProblem(description: "\(processID) is no process") }
        do throws(CgroupReader.Problem) {
            var membership = try reader.membership(of: processID)
            membership.cut(behind: containerID)
            guard let (directory, isVersion2) = try directory(of: membership, reader) else {
                throw .unknown("no memory controller is mounted")
            }
            if directory.isTop { throw .unknown("it is not in a cgroup of its own") }
            var use = try counters(directory.path, isVersion2: isVersion2, reader)
            use.addProcesses(below: directory.path, reader)
            return use
        } catch {
            switch error {
            case .gone: throw MemoryUseProblem(description: "process \(processID) has ended")
            case .unknown(let reason):
                throw MemoryUseProblem(description: "the memory of process \(processID) cannot be told: \(reason)")
            }
        }
    }

    private static func directory(
        of membership: CgroupMembership, _ reader: CgroupReader
    ) throws(CgroupReader.Problem) -> (CgroupReader.Directory, isVersion2: Bool)? {
        if let first = try reader.directory("memory", of: membership) { return (first, false) }
        return try reader.directory(of: membership).map { ($0, true) }
    }

    private static func counters(
        _ directory: String, isVersion2: Bool, _ reader: CgroupReader
    ) throws(CgroupReader.Problem) -> MemoryUse {
        let path = directory + "/memory.stat"
        let text: String
        do {
            text = try reader.text(path)
        } catch {
            throw .unknown("\(path): \(error.reason)")
        }
        var values: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = UInt64(words[1]) { values[words[0]] = value }
        }
        guard let anonymous = values[isVersion2 ? "anon" : "total_rss"] else {
            throw .unknown("\(path) says nothing of \(isVersion2 ? "anon" : "total_rss")")
        }
        // Neither is there on every kernel: swap only where it is accounted for.
        let shared = values[isVersion2 ? "shmem" : "total_shmem"] ?? 0
        var swap = values["total_swap"] ?? 0
        if isVersion2, let current = try? reader.text(directory + "/memory.swap.current") {
            swap = UInt64(current.prefix { $0.isNumber }) ?? 0
        }
        return MemoryUse(anonymous: anonymous, shared: shared, swap: swap)
    }

    /// Raises anonymous memory and swap to the sum over all processes, where that is more.
    private mutating func addProcesses(below directory: String, _ reader: CgroupReader) {
        let processIDs = Self.processes(in: directory, depth: 0, reader)
        var (anonymous, swap, huge): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for id in processIDs.prefix(Self.processLimit) {
            guard let status = try? reader.text("/proc/\(id)/status") else { continue }
            anonymous = anonymous.addingClamped(Self.kilobytes("RssAnon:", status))
            swap = swap.addingClamped(Self.kilobytes("VmSwap:", status))
            huge = huge.addingClamped(Self.kilobytes("HugetlbPages:", status))
        }
        // Huge pages of hugetlbfs are in neither of the two.
        self.anonymous = max(self.anonymous, anonymous).addingClamped(huge)
        self.swap = max(self.swap, swap)
        processes = UInt64(processIDs.count)
    }

    private static func processes(in directory: String, depth: Int, _ reader: CgroupReader) -> Set<Int32> {
        guard depth < 8 else { return [] }
        let text = (try? reader.text(directory + "/cgroup.procs", limit: 1 << 20)) ?? ""
        var found = Set(text.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 })
        for name in reader.directories(in: directory).prefix(256) where found.count <= processLimit {
            found.formUnion(processes(in: directory + "/" + name, depth: depth + 1, reader))
        }
        return found
    }

    /// `RssAnon:	    1234 kB`
    private static func kilobytes(_ key: String, _ status: String) -> UInt64 {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return 0 }
        let words = line.dropFirst(key.count).split(whereSeparator: \.isWhitespace)
        guard let number = words.first.flatMap({ UInt64($0) }) else { return 0 }
        return number.multipliedClamped(by: 1024)
    }
}

extension CgroupMembership {
    /// A container may have made cgroups for itself: leaves off what is below the one that carries its id.
    fileprivate mutating func cut(behind containerID: String) {
        guard containerID.utf8.count >= 12 else { return }
        func cut(_ path: String) -> String {
            let parts = path.split(separator: "/")
            guard let index = parts.firstIndex(where: { $0.contains(containerID) }) else { return path }
            return "/" + parts[...index].joined(separator: "/")
        }
        version1 = version1.mapValues(cut)
        version2 = version2.map(cut)
    }
}

extension UInt64 {
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    func subtractingClamped(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }

    func multipliedClamped(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
