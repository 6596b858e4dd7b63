// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Checkpoint

@Suite struct LinuxMachineTests {
    @Test func ownProcess() throws {
        let machine = LinuxMachine()
        let own = try #require(machine.process(getpid()))
        #expect(own.startTime > 0)
        #expect(machine.process(getpid()) == own)
        #expect(machine.process(0) == nil)
        #expect(machine.process(-5) == nil)
        #expect(machine.process(.max) == nil)
        #expect(machine.bootID().utf8.count == 36)
    }

    @Test func unknownProcess() {
        guard case .unknown = LinuxMachine().freezer(0) else {
            Issue.record()
            return
        }
    }

    @Test(arguments: [
        (
            "7 (sh) S 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 8834 100 1",
            ProcStat(command: "sh", parent: 1, startTime: 8834)
        ),
        (
            "7 (a) b (c) S 12 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 5 1",
            ProcStat(command: "a) b (c", parent: 12, startTime: 5)
        ),
        ("7 (sh) S 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0", nil),
        ("7 sh S 1", nil),
        (")(", nil),
        ("", nil),
    ]) func statLine(_ line: (String, ProcStat?)) { #expect(ProcStat(line.0) == line.1) }

    private func process(_ command: String, _ parent: Int32) -> ProcStat {
        ProcStat("1 (\(command)) S \(parent) " + String(repeating: "0 ", count: 17) + "5 0")!
    }

    @Test func criuBelowItsShim() {
        let tree = ProcessTree([
            10: process("containerd-shim", 1), 11: process("count", 10), 12: process("runc", 10),
            13: process("criu", 12), 20: process("containerd-shim", 1), 21: process("other", 20),
        ])
        #expect(tree.parent(of: 11) == 10)
        #expect(tree.find(command: "criu", below: 10) == 13)
        #expect(tree.find(command: "criu", below: 20) == nil)
        #expect(tree.find(command: "criu", below: nil) == 13)
        #expect(tree.find(command: "crio", below: nil) == nil)
    }

    /// Numbers that are used again can make a ring of what was read at different moments.
    @Test func treeWithARing() {
        let tree = ProcessTree([10: process("a", 11), 11: process("b", 10), 12: process("criu", 10)])
        #expect(tree.find(command: "criu", below: 99) == nil)
    }

    @Test func lowLevelRuntime() {
        let tree = ProcessTree([
            20: process("shim", 1), 21: process("sh", 20), 22: process("runc", 21), 23: process("crun", 20),
        ])
        // What the container runs itself does not count.
        #expect(tree.child(of: 20, commands: ["runc"]) == nil)
        #expect(tree.child(of: 20, commands: ["runc", "crun"]) == 23)
    }

    @Test func nobodyIsAtWorkHere() {
        #expect(LinuxMachine().workSign(task: getpid()) == .none)
    }

    @Test func workDirectorySigns() throws {
        let scratch = try ArchiveScratch()
        let machine = LinuxMachine()
        let directory = DumpWorkDirectory(parent: scratch.path, name: "ctrd-checkpoint")
        #expect(machine.workDirectorySign(nil, runtime: nil) == .invisible)
        #expect(
            machine.workDirectorySign(DumpWorkDirectory(parent: scratch.path + "/x", name: "y"), runtime: nil)
                == .invisible)
        #expect(machine.workDirectorySign(directory, runtime: nil) == .none)
        mkdir(scratch.path + "/ctrd-checkpoint", 0o700)
        let own = try #require(machine.process(getpid()))
        // Made after this process began, and long before one that begins in a century.
        for runtime in [nil, own] {
            guard case .workDirectory(let state, let age) = machine.workDirectorySign(directory, runtime: runtime)
            else {
                Issue.record("\(String(describing: runtime))")
                return
            }
            #expect(state.hasPrefix(scratch.path + "/ctrd-checkpoint (inode "))
            #expect(state.hasSuffix("holds 0 files of 0 bytes"))
            #expect(age >= .zero)
        }
        let later = ProcessIdentity(id: 1, startTime: own.startTime + 100 * 86_400 * 36_500)
        #expect(machine.workDirectorySign(directory, runtime: later) == .none)
    }

    /// Whatever somebody does in it is seen; as long as nobody does, it stays the same.
    @Test func workInTheDirectoryIsSeen() throws {
        let scratch = try ArchiveScratch()
        let directory = DumpWorkDirectory(parent: scratch.path, name: "work")
        func state() -> String {
            guard case .workDirectory(let state, _) = LinuxMachine().workDirectorySign(directory, runtime: nil) else {
                return "none"
            }
            return state
        }
        mkdir(scratch.path + "/work", 0o700)
        var states = [state()]
        #expect(state() == states[0])
        try scratch.write([1], to: "work/dump.log")
        states.append(state())
        try scratch.write([1, 2], to: "work/dump.log")
        states.append(state())
        mkdir(scratch.path + "/work/checkpoint", 0o700)
        states.append(state())
        try scratch.write([1], to: "work/checkpoint/pages-1.img")
        states.append(state())
        try scratch.write([1, 2], to: "work/checkpoint/pages-1.img")
        states.append(state())
        #expect(state() == states.last)
        rename(scratch.path + "/work", scratch.path + "/old")
        mkdir(scratch.path + "/work", 0o700)
        states.append(state())
        #expect(Set(states).count == states.count)
    }

    @Test func newDirectoriesAreCounted() throws {
        let scratch = try ArchiveScratch()
        let watch = try #require(LinuxMachine().watch(DumpWorkDirectory(parent: scratch.path, name: "work")))
        #expect(watch.made() == 0)
        mkdir(scratch.path + "/work", 0o700)
        mkdir(scratch.path + "/workshop", 0o700)
        #expect(watch.made() == 1)
        rmdir(scratch.path + "/work")
        mkdir(scratch.path + "/work", 0o700)
        rename(scratch.path + "/workshop", scratch.path + "/elsewhere")
        #expect(watch.made() == 2)
        #expect(LinuxMachine().watch(DumpWorkDirectory(parent: scratch.path + "/no", name: "work")) == nil)
    }

    @Test func eventsThatAreCutOff() {
        let event: [UInt8] =
            [1, 0, 0, 0] + [0, 1, 0, 0] + [0, 0, 0, 0] + [8, 0, 0, 0] + Array("work".utf8) + [0, 0, 0, 0]
        #expect(InotifyEvents(event).names == [Array("work".utf8)])
        #expect(InotifyEvents(event + event).names.count == 2)
        for length in 0..<event.count { #expect(InotifyEvents(event.prefix(length)).names.isEmpty) }
        let overflow: [UInt8] = [255, 255, 255, 255] + [0, 0x40, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]
        #expect(InotifyEvents(overflow).hasOverflown)
        #expect(!InotifyEvents(event).hasOverflown)
    }

    @Test func freezerTrace() {
        var trace = FreezerTrace()
        #expect(trace.frozen(until: .seconds(9)) == nil)
        for (second, state) in [
            (1, FreezerState.thawed), (2, .freezing), (3, .frozen), (4, .thawed), (5, .frozen), (7, .thawed),
            (8, .thawed),
        ] { trace.observe(state, at: .seconds(second)) }
        #expect(trace.frozen(until: .seconds(9)) == .seconds(5))
        trace.observe(.frozen, at: .seconds(10))
        #expect(trace.frozen(until: .seconds(12)) == .seconds(10))
        trace.observe(.unknown("x"), at: .seconds(11))
        #expect(trace.frozen(until: .seconds(12)) == .seconds(10))
    }

    /// Its own cgroup is not frozen.
    @Test func freezerWatch() throws {
        guard let watch = LinuxMachine().watchFreezer(getpid()) else { return }
        #expect(watch.stop() == nil)
        #expect(LinuxMachine().watchFreezer(.max) == nil)
    }
}

/// A number for the thread that asks.
private func currentThread() -> UInt { UInt(pthread_self()) }

@Suite struct OwnThreadTests {
    @Test func runsOnOneThreadOfItsOwn() async throws {
        let here = currentThread()
        let threads = try await onOwnThread("test") {
            var threads = [currentThread()]
            await Task.yield()
            threads.append(currentThread())
            try? await Task.sleep(for: .microseconds(10))
            threads.append(currentThread())
            return threads
        }
        #expect(Set(threads).count == 1)
        #expect(threads.first != here)
    }

    /// It may block, and the others go on.
    @Test func blockingDoesNotStopOthers() async throws {
        var pipes: [Int32] = [0, 0]
        #expect(pipe(&pipes) == 0)
        let (reading, writing) = (pipes[0], pipes[1])
        defer {
            close(reading)
            close(writing)
        }
        let waiting = (0..<8).map { _ in
            Task {
                try await onOwnThread("test") {
                    var byte: UInt8 = 0
                    return read(reading, &byte, 1)
                }
            }
        }
        var bytes = [UInt8](repeating: 1, count: waiting.count)
        #expect(write(writing, &bytes, bytes.count) == bytes.count)
        for task in waiting { #expect(try await task.value == 1) }
    }
}
