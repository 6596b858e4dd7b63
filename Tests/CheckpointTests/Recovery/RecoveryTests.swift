// SPDX-License-Identifier: Apache-2.0
import CRI
import NodeStatus
import Synchronization
import Testing

@testable import Checkpoint

@Suite struct RecoveryTests {
    /// A dump that died in the runtime's call and left the container frozen.
    private func frozen() async throws -> JobScene {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, _ in
                await node.beginDump()
                node.set { $0.workDirectory = nil }
                return nil
            }
        }
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .called) }
        #expect(scene.node.isFrozen)
        return scene
    }

    @Test func nothingThere() async throws {
        let scene = try JobScene()
        try scene.directory.removeJob(scene.id)
        #expect(await scene.recover() == Recovery.Report())
    }

    /// Somebody works on it.
    @Test func leavesWhatIsLocked() async throws {
        let scene = try JobScene()
        let job = try #require(try scene.directory.job(scene.id))
        let lock = try JobLock.tryAcquire(job)
        let report = await Recovery(scene.around()).run(once: false, claimingUnstarted: true)
        #expect(report.busy == [scene.id])
        #expect(try scene.directory.jobs() == [scene.id])
        withExtendedLifetime(lock) {}
    }

    /// A process that has just been killed has not let go of it yet.
    @Test func looksTwiceAtWhatIsLocked() async throws {
        let scene = try await frozen()
        let job = try #require(try scene.directory.job(scene.id))
        let lock = Held(try #require(try JobLock.tryAcquire(job)))
        scene.node.after(.milliseconds(100)) { _ in lock.release() }
        let report = await Recovery(scene.around()).run(once: false, claimingUnstarted: true)
        #expect(report.busy.isEmpty)
        #expect(report.finished.keys.contains(scene.id))
        #expect(!scene.node.isFrozen)
    }

    /// The agent has just accepted it; its dump process will come.
    @Test func leavesWhatIsNew() async throws {
        let scene = try JobScene()
        scene.node.set { $0.now -= .seconds(1_000) }
        let recovery = Recovery(scene.around())
        #expect(await recovery.run(once: true, claimingUnstarted: false).busy == [scene.id])
        // Nobody comes.
        #expect(await recovery.run(once: false, claimingUnstarted: false).finished[scene.id] == .interrupted)
        #expect(try scene.record?.outcome == .interrupted)
        #expect(scene.node.get { $0.now } >= .seconds(20))
    }

    @Test func claimsWhatIsNew() async throws {
        let scene = try JobScene()
        scene.node.set { $0.now -= .seconds(1_000) }
        await scene.recover()
        #expect(try scene.record?.outcome == .interrupted)
        #expect(try scene.directory.jobs() == [])
    }

    /// A request from the future: the clock was set back.
    @Test func clockThatWasSetBack() async throws {
        let scene = try JobScene()
        scene.node.set { $0.now -= .seconds(5_000) }
        let report = await Recovery(scene.around()).run(once: true, claimingUnstarted: false)
        #expect(report.finished[scene.id] == .interrupted)
    }

    @Test(arguments: ["", "{}", "nonsense"]) func requestThatCannotBeRead(_ text: String) async throws {
        let scene = try JobScene()
        try #require(try scene.directory.job(scene.id)).write(Array(text.utf8), to: .request)
        await scene.recover()
        #expect(try scene.directory.jobs() == [])
        #expect(try scene.record == nil)
    }

    /// Even then its container is looked after.
    @Test func intentWithoutARequest() async throws {
        let scene = try await frozen()
        try #require(try scene.directory.job(scene.id)).remove(.request)
        await scene.recover()
        #expect(!scene.node.isFrozen)
        #expect(try scene.directory.jobs() == [])
    }

    @Test func intentThatCannotBeRead() async throws {
        let scene = try await frozen()
        try #require(try scene.directory.job(scene.id)).write([1], to: .intent)
        await scene.recover()
        #expect(try scene.record?.outcome == .internalError)
        #expect(try scene.directory.jobs() == [])
    }

    /// The runtime goes on, nobody dumps, and the work directory is still there.
    @Test func directoryThatWasLeftBehind() async throws {
        let scene = try await frozen()
        scene.node.makeWorkDirectory()
        scene.node.set { $0.workDirectoryIsUsed = false }
        let start = scene.node.monotonic()
        await scene.recover()
        #expect(!scene.node.isFrozen)
        #expect(scene.node.monotonic() - start < .seconds(65))
    }

    /// The runtime is away for an hour; nobody gives up.
    @Test func runtimeThatComesBackLate() async throws {
        let scene = try await frozen()
        scene.node.set { $0.unreachable = "connection refused" }
        let report = await scene.recover(once: true)
        #expect(report.open[scene.id]?.contains("connection refused") == true)
        #expect(try scene.record == nil)
        #expect(try scene.directory.jobs() == [scene.id])
        scene.node.after(.seconds(3_600)) { node in
            node.restartRuntime()
            node.set { $0.unreachable = nil }
        }
        await scene.recover()
        #expect(!scene.node.isFrozen)
        #expect(try scene.record?.outcome == .interrupted)
        #expect(try scene.record?.thaw == "resumed by nodekeep")
    }

    @Test func nodeThatWasRestarted() async throws {
        let scene = try await frozen()
        scene.node.set { $0.bootID = "boot-2" }
        await scene.recover()
        #expect(try scene.record?.thaw == "the node was restarted")
        #expect(scene.node.get { $0.resumes } == 0)
    }

    /// Another process has the number of the container's.
    @Test func numberUsedAgain() async throws {
        let scene = try await frozen()
        scene.node.set { $0.processes[FakeNode.task] = 6 }
        await scene.recover()
        #expect(try scene.record?.containerState == "gone")
        #expect(scene.node.get { $0.resumes } == 0)
    }

    /// Several at once: each job is brought to its end by one of them.
    @Test func manyRecoveriesAtOnce() async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .closed) }
        let reports = await withTaskGroup(of: Recovery.Report.self) { group in
            for _ in 0..<8 {
                group.addTask { await Recovery(scene.around()).run(once: true, claimingUnstarted: true) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let last = await scene.recover()
        #expect((reports + [last]).count { $0.finished[scene.id] == .some(.published) } == 1)
        #expect(reports.allSatisfy { $0.open.isEmpty })
        #expect(try scene.archives.count == 1)
        #expect(try scene.directory.jobs() == [])
    }

    /// What is published is what is there, not what was.
    @Test func archiveChangedAfterItsVerification() async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .outcomeWritten) }
        var other = SampleCheckpoint()
        other["dump.log"] = Array("another".utf8)
        try scene.scratch.write(other.tar(), to: "checkpoints/.nodekeep/\(scene.id)/archive.tar")
        await scene.recover()
        #expect(try scene.record?.outcome == .badArchive)
        #expect(try scene.archives == [])
    }

    @Test func archiveRemovedByHand() async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .archiveRenamed) }
        try run("/bin/rm", scene.directory.path + "/" + (try #require(try scene.archives.first)))
        await scene.recover()
        #expect(try scene.record?.outcome == .internalError)
        #expect(try scene.record?.archive == nil)
    }

    @Test func oneByName() async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .closed) }
        var record: JobRecord?
        while record == nil { record = try await Recovery(scene.around()).recover(scene.id) }
        #expect(record?.outcome == .published)
        #expect(try await Recovery(scene.around()).recover(scene.id) == record)
    }
}

/// A lock, until it is let go of.
private final class Held: Sendable {
    private let lock: Mutex<JobLock?>

    init(_ lock: JobLock) { self.lock = Mutex(lock) }

    func release() { lock.withLock { $0 = nil } }
}
