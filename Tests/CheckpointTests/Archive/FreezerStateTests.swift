// SPDX-License-Identifier: Apache-2.0
import Glibc
import Posix
import Testing

@testable import Checkpoint

@Suite struct FreezerStateTests {
    private let path = "/kubepods.slice/cri-containerd-abc.scope"

    @Test func version2() throws {
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        try tree.process(cgroup: "0::\(path)\n")
        let directory = "/sys/fs/cgroup" + path
        try tree.put("populated 1\nfrozen 1\n", directory + "/cgroup.events")
        #expect(tree.freezer() == .frozen)
        try tree.put("populated 1\nfrozen 0\n", directory + "/cgroup.events")
        #expect(tree.freezer() == .thawed)
        try tree.put("1\n", directory + "/cgroup.freeze")
        #expect(tree.freezer() == .freezing)
        try tree.put("0\n", directory + "/cgroup.freeze")
        #expect(tree.freezer() == .thawed)
        try tree.put("populated 1\n", directory + "/cgroup.events")
        #expect(
            tree.freezer()
                == .unknown("\(directory)/cgroup.events says nothing of frozen: the kernel is older than 5.2"))
        try tree.put("frozen 2\n", directory + "/cgroup.events")
        #expect(tree.freezer() == .unknown("\(directory)/cgroup.events says frozen 2"))
    }

    @Test(arguments: [("THAWED\n", FreezerState.thawed), ("FREEZING\n", .freezing), ("FROZEN\n", .frozen)])
    func version1(_ text: String, _ state: FreezerState) throws {
        let tree = try CgroupTree(mounts: CgroupTree.version1)
        try tree.process(cgroup: "9:name=systemd:/x\n6:freezer:\(path)\n4:memory:/other\n")
        try tree.put(text, "/sys/fs/cgroup/freezer\(path)/freezer.state")
        #expect(tree.freezer() == state)
    }

    @Test func onHybridMachinesBothCount() throws {
        let tree = try CgroupTree(mounts: CgroupTree.hybrid)
        try tree.process(cgroup: "6:freezer:\(path)\n0::/system.slice\n")
        let (first, second) = (
            "/sys/fs/cgroup/freezer\(path)/freezer.state", "/sys/fs/cgroup/unified/system.slice/cgroup.events"
        )
        try tree.put("THAWED\n", first)
        // The other one need not be readable.
        #expect(tree.freezer() == .thawed)
        try tree.put("frozen 0\n", second)
        #expect(tree.freezer() == .thawed)
        try tree.put("frozen 1\n", second)
        #expect(tree.freezer() == .frozen)
        try tree.put("FREEZING\n", first)
        #expect(tree.freezer() == .freezing)
        try tree.put("nonsense\u{1b}\n", first)
        #expect(tree.freezer() == .unknown("\(first) says nonsense\u{fffd}\u{fffd}"))
    }

    @Test func theTopCannotBeFrozen() throws {
        let tree = try CgroupTree(mounts: CgroupTree.hybrid)
        try tree.process(cgroup: "6:freezer:/\n0::/\n")
        #expect(tree.freezer() == .thawed)
    }

    @Test func endedProcessesAreGone() throws {
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        #expect(tree.freezer() == .gone)
        try tree.process(cgroup: "0::\(path) (deleted)\n")
        #expect(tree.freezer() == .gone)
        try tree.process(cgroup: "0::/\n", state: "Z")
        #expect(tree.freezer() == .gone)
        #expect(FreezerState.read(processID: 0, tree.reader) == .unknown("0 is no process"))
        #expect(FreezerState.read(processID: -1, tree.reader) == .unknown("-1 is no process"))
    }

    @Test func whyItCannotBeTold() throws {
        let tree = try CgroupTree(mounts: "")
        try tree.process(cgroup: "0::\(path)\n")
        #expect(tree.freezer() == .unknown("neither a version 1 freezer nor version 2 is mounted"))
        // Mounted later.
        try tree.put(CgroupTree.version2, "/proc/self/mountinfo")
        #expect(tree.freezer() == .unknown("/sys/fs/cgroup\(path)/cgroup.events: No such file or directory"))
        try tree.process(cgroup: "0::/../other\n")
        #expect(tree.freezer() == .unknown("its cgroup /../other is outside of the namespace that is seen from here"))
    }

    @Test func mountsThatShowAPartOnly() throws {
        let mounts = """
            1 1 0:26 /kubepods /mnt/a\\040b rw - cgroup2 none rw
            2 1 0:26 / /long/name rw - cgroup2 none rw
            3 1 0:26 / /short rw - cgroup2 none rw

            """
        #expect(CgroupMounts(mountinfo: mounts).version2 == .init(mountPoint: "/short", root: "/"))
        let tree = try CgroupTree(mounts: String(mounts.prefix { $0 != "\n" }))
        try tree.process(cgroup: "0::/kubepods/pod\n")
        try tree.put("frozen 1\n", "/mnt/a b/pod/cgroup.events")
        #expect(tree.freezer() == .frozen)
        try tree.process(cgroup: "0::/kubepods-other\n")
        #expect(
            tree.freezer()
                == .unknown("its cgroup /kubepods-other is not below /kubepods, which is all that is mounted here"))
    }

    /// Whoever makes a cgroup chooses its name, and only a line feed cannot be in it.
    @Test func namesThatLookLikeTheEndOfALine() throws {
        let membership = CgroupMembership("6:freezer:/a\r\n0::/b/\u{301}\n")
        #expect(membership.version1 == ["freezer": "/a\r"])
        #expect(membership.version2 == "/b/\u{301}")
        let tree = try CgroupTree(mounts: CgroupTree.version2)
        try tree.process(cgroup: "0::\(path)/x\r\n")
        try tree.put("populated 1\nfrozen 1\n", "/sys/fs/cgroup\(path)/x\r/cgroup.events")
        #expect(tree.freezer() == .frozen)
        try tree.process(cgroup: "0::/../\u{301}x\n")
        guard case .unknown(let reason) = tree.freezer() else {
            Issue.record("\(tree.freezer())")
            return
        }
        #expect(reason.contains("outside of the namespace"))
    }

    @Test func nothingTrapsOnGarbage() {
        for text in [
            "", "\n", ":", "::", ":::", "0::", "0:", "0::x\n6:freezer", "- - - - - - -", "1 2 3 4 5 6 - cgroup x",
            "1 2 3 4 5 6 -", "1 2 3 / /m r - cgroup c ,,",
        ] {
            _ = CgroupMembership(text)
            _ = CgroupMounts(mountinfo: text)
        }
        #expect(CgroupMounts(mountinfo: "1 2 3 / /m\\9\\77 r - cgroup2 c rw").version2?.mountPoint == "/m\\9\\77")
        #expect(CgroupMounts(mountinfo: "1 2 3 / /m\\777\\134 r - cgroup2 c rw").version2?.mountPoint == "/m\\777\\")
    }

    // MARK: This machine

    @Test func thisProcessRuns() {
        #expect(FreezerState.read(processID: getpid()) == .thawed)
        #expect(FreezerState.read(processID: .max) == .gone)
    }

    @Test func anEndedChildIsGone() throws {
        var child: pid_t = 0
        let code = posix_spawnp(&child, "true", nil, nil, [strdup("true"), nil], environ)
        #expect(code == 0)
        var information = siginfo_t()
        waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT)
        #expect(FreezerState.read(processID: child) == .gone)
        waitpid(child, nil, 0)
        #expect(FreezerState.read(processID: child) == .gone)
    }

    /// A cgroup of our own, where there are rights and a freezer.
    @Test func aFrozenChild() throws {
        guard let membership = try? CgroupReader.system.membership(of: getpid()) else { return }
        let first = try? CgroupReader.system.directory("freezer", of: membership)
        guard let parent = try first ?? CgroupReader.system.directory(of: membership) else { return }
        let group = parent.path + "/nodekeep-archive-test-\(getpid())"
        guard mkdir(group, 0o755) == 0 else { return }
        var child: pid_t = 0
        #expect(posix_spawnp(&child, "sleep", nil, nil, [strdup("sleep"), strdup("1000"), nil], environ) == 0)
        defer {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            rmdir(group)
        }
        func write(_ text: String, _ name: String) throws {
            try Descriptor.open(in: AT_FDCWD, group + "/" + name, O_WRONLY).write(Array(text.utf8))
        }
        func waitUntil(_ state: FreezerState) -> Bool {
            for _ in 0..<1_000_000 {
                if FreezerState.read(processID: child) == state { return true }
                sched_yield()
            }
            return false
        }
        try write("\(child)", "cgroup.procs")
        #expect(FreezerState.read(processID: child) == .thawed)
        try first == nil ? write("1", "cgroup.freeze") : write("FROZEN", "freezer.state")
        #expect(waitUntil(.frozen))
        try first == nil ? write("0", "cgroup.freeze") : write("THAWED", "freezer.state")
        #expect(waitUntil(.thawed))
    }
}
