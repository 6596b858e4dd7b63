// SPDX-License-Identifier: Apache-2.0
import CRI
import Glibc
import Testing

@testable import Checkpoint

@Suite struct MemoryUseTests {
    private let id = "0123456789abcdef"

    private func problem(_ body: () throws -> MemoryUse) -> String? {
        do { _ = try body() } catch { return "\(error)" }
        return nil
    }

    @Test func version2() throws {
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        try tree.process(cgroup: "0::/pod/cri-containerd-\(id).scope\n", status: "RssAnon:\t   10 kB\n")
        let directory = "/sys/fs/cgroup/pod/cri-containerd-\(id).scope"
        try tree.put("anon 50000\nfile 999999\nshmem 300\nnonsense\nx y z\n", directory + "/memory.stat")
        #expect(try tree.memory() == MemoryUse(anonymous: 50_000, shared: 300, swap: 0))
        try tree.put("7000\n", directory + "/memory.swap.current")
        try tree.put("7\n", directory + "/cgroup.procs")
        #expect(try tree.memory() == MemoryUse(anonymous: 50_000, shared: 300, swap: 7000, processes: 1))
    }

    @Test func version1() throws {
        let tree = try CgroupTree(mounts: CgroupTree.hybrid)
        try tree.process(cgroup: "4:memory:/pod/\(id)\n0::/\n")
        let path = "/sys/fs/cgroup/memory/pod/\(id)/memory.stat"
        try tree.put("rss 1\ntotal_rss 40000\ntotal_shmem 500\ntotal_swap 60\n", path)
        #expect(try tree.memory() == MemoryUse(anonymous: 40_000, shared: 500, swap: 60))
        try tree.put("total_rss 40000\n", path)
        #expect(try tree.memory() == MemoryUse(anonymous: 40_000, shared: 0, swap: 0))
        try tree.put("rss 1\n", path)
        #expect(
            problem { try tree.memory() } == "the memory of process 7 cannot be told: \(path) says nothing of total_rss"
        )
    }

    /// Ten processes that share 100 MB since a fork are 100 MB to the cgroup and a gigabyte to a dump.
    @Test func whatProcessesShareIsWrittenForEach() throws {
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        let directory = "/sys/fs/cgroup/\(id)"
        try tree.process(cgroup: "0::/\(id)/init.scope\n", status: "RssAnon:\t 102400 kB\nVmSwap:\t     4 kB\n")
        try tree.put("anon 104857600\nshmem 0\n", directory + "/memory.stat")
        try tree.put("", directory + "/cgroup.procs")
        try tree.put("7\n", directory + "/init.scope/cgroup.procs")
        for process in 8..<17 {
            try tree.put(
                "Name:\tx\nRssAnon:\t 102400 kB\nVmSwap:\t 8 kB\nHugetlbPages:\t 2048 kB\n", "/proc/\(process)/status")
        }
        try tree.put((8..<17).map { "\($0)\n" }.joined() + "99\nx\n-3\n", directory + "/a/b/cgroup.procs")
        let use = try tree.memory()
        #expect(use.anonymous == 10 * 104_857_600 + 9 * 2_097_152)
        #expect(use.swap == 4096 + 9 * 8192)
        #expect(use.processes == 11)
        // Without the id its own cgroup is all that is known.
        #expect(problem { try tree.memory(containerID: "short") }?.contains("init.scope/memory.stat") == true)
    }

    @Test func whyItCannotBeTold() throws {
        let tree = try CgroupTree(mounts: "")
        #expect(problem { try tree.memory() } == "process 7 has ended")
        try tree.process(cgroup: "0::/\n")
        #expect(problem { try tree.memory() }?.hasSuffix("no memory controller is mounted") == true)
        try tree.put(CgroupTree.version2, "/proc/self/mountinfo")
        #expect(problem { try tree.memory() }?.hasSuffix("it is not in a cgroup of its own") == true)
    }

    @Test func absurdNumbersDoNotTrap() throws {
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        try tree.process(
            cgroup: "0::/\(id)\n", status: "RssAnon: 18446744073709551615 kB\nVmSwap: 99999999999999999999 kB\n")
        let directory = "/sys/fs/cgroup/\(id)"
        try tree.put("anon 18446744073709551615\nshmem -1\n", directory + "/memory.stat")
        try tree.put("max\n", directory + "/memory.swap.current")
        try tree.put("7\n", directory + "/cgroup.procs")
        #expect(try tree.memory() == MemoryUse(anonymous: .max, shared: 0, swap: 0, processes: 1))
    }

    @Test func ofTheRuntimesNumbers() {
        var usage = ContainerUsage(id: "a", name: "b", labels: [:])
        #expect(MemoryUse(usage) == nil)
        usage.rss = 5
        #expect(MemoryUse(usage) == MemoryUse(anonymous: 5, shared: 0, swap: 0))
        usage.swapUsage = 6
        #expect(MemoryUse(usage) == MemoryUse(anonymous: 5, shared: 0, swap: 6))
    }

    @Test func ofThisProcess() throws {
        // Where the tests are not in a cgroup of their own there is nothing to tell.
        guard let use = try? MemoryUse.read(processID: getpid(), containerID: "") else { return }
        #expect(use.processes >= 1)
        #expect(use.anonymous > 1 << 20)
    }
}
