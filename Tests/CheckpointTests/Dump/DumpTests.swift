// SPDX-License-Identifier: Apache-2.0
import CRI
import Glibc
import NodeStatus
import Testing

@testable import Checkpoint

@Suite struct DumpTests {
    private func isOver(_ scene: JobScene) throws {
        #expect(try scene.directory.jobs() == [])
        #expect(try scene.record != nil)
        let record = try #require(try scene.record)
        #expect(try scene.archives == (record.archive.map { [$0] } ?? []))
        #expect((record.outcome == .published) == (record.archive != nil))
    }

    @Test func published() async throws {
        let scene = try JobScene()
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(try scene.record == record)
        #expect(record.outcome == .published)
        let bytes = try scene.scratch.read("checkpoints/" + (record.archive ?? ""))
        #expect(bytes == SampleCheckpoint().tar())
        #expect(record.size == UInt64(bytes.count))
        #expect(record.sha256?.count == 64)
        #expect(record.facts?.memoryPages == UInt64(3 * pageSize))
        #expect(record.archive?.hasPrefix("checkpoint-counter_default-count-2026-") == true)
        #expect(record.attempts == 1)
        #expect(record.runtime == "containerd v2.1.9")
        #expect(record.containerState == "RUNNING")
        #expect(record.thaw == "resumed by the runtime")
        #expect(record.times.frozen == 310)
        #expect(record.times.dump == 370)
        #expect(!scene.node.isFrozen)
    }

    /// The intent is there before the runtime is called, the answer as soon as it has come.
    @Test func intentBeforeTheCall() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let job = try? scene.directory.job(scene.id)
                let intent = (try? job?.read(JobIntent.self, from: .intent)) ?? nil
                #expect(intent?.task == ProcessIdentity(id: FakeNode.task, startTime: 5))
                #expect(intent?.runtimeProcess == ProcessIdentity(id: FakeNode.runtime, startTime: 7))
                #expect(intent?.bootID == "boot-1")
                #expect(intent?.stateBefore == "RUNNING")
                #expect(job?.contains(.returned) == false)
                let progress = (try? job?.read(JobProgress.self, from: .progress)) ?? nil
                #expect(progress?.phase == .dumping)
                return await node.dump(to: location)
            }
        }
        #expect(try await scene.dump()?.outcome == .published)
    }

    @Test func failureOfTheRuntime() async throws {
        let scene = try JobScene()
        let error = RuntimeError(.unknown, "checkpointing container failed: criu failed: type NOTIFY errno 0")
        scene.node.set { state in
            state.script = { node, location in
                await node.beginDump()
                await node.unpause()
                node.set { $0.workDirectory = nil }
                node.write([1, 2, 3], to: location)
                return error
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(record.outcome == .runtimeError)
        #expect(
            record.message
                == "rpc error: code = Unknown desc = checkpointing container failed: criu failed: type NOTIFY errno 0")
        #expect(scene.node.get { $0.calls } == 1)
    }

    @Test(arguments: [
        ("write /x/archive.tar: no space left on device", RuntimeError.Code.unknown, JobOutcome.noSpace),
        ("an error occurred when trying to find container", .notFound, .replaced),
        (
            "container \"a\" is in CONTAINER_EXITED state. only CONTAINER_RUNNING containers can be checkpointed",
            .unknown,
            .notRunning
        ),
        ("method CheckpointContainer not implemented", .unimplemented, .runtimeError),
    ]) func outcomeOfAnError(_ text: (String, RuntimeError.Code, JobOutcome)) async throws {
        let scene = try JobScene()
        scene.node.set { $0.script = { _, _ in RuntimeError(text.1, text.0) } }
        #expect(try await scene.dump()?.outcome == text.2)
        try isOver(scene)
    }

    /// Its resume did not come about either.
    @Test func failedAndLeftFrozen() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, _ in
                await node.beginDump()
                node.set { $0.workDirectory = nil }
                return RuntimeError(.unknown, "criu failed")
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(!scene.node.isFrozen)
        #expect(record.thaw == "resumed by nodekeep")
        #expect(record.outcome == .runtimeError)
    }

    @Test func lostAndLeftFrozen() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.resumeErrors = 2
            state.script = { node, _ in
                await node.beginDump()
                node.set { $0.unreachable = "connection refused" }
                node.after(.seconds(20)) { node in
                    node.restartRuntime()
                    node.set { $0.unreachable = nil }
                }
                return lostConnection
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(!scene.node.isFrozen)
        #expect(record.outcome == .lost)
        #expect(record.thaw == "resumed by nodekeep")
        #expect(record.message.contains("connection reset by peer"))
        #expect(scene.node.get { $0.resumes } == 3)
    }

    /// The dump goes on without us and resumes by itself: nobody interferes.
    @Test func lostAndResumedByTheRuntime() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                await node.beginDump()
                node.after(.seconds(120)) { node in
                    await node.endDump()
                    node.write(SampleCheckpoint().tar(), to: location)
                }
                return lostConnection
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(record.outcome == .lost)
        #expect(record.thaw == "resumed by the runtime")
        #expect(scene.node.get { $0.resumes } == 0)
    }

    /// A runtime that is being stopped answers, and has not come to undo its pause.
    @Test(arguments: [RuntimeError.Code.cancelled, .unavailable, .deadlineExceeded])
    func cutOff(_ code: RuntimeError.Code) async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, _ in
                await node.beginDump()
                node.set { $0.workDirectory = nil }
                return RuntimeError(code, "context canceled")
            }
        }
        let record = try #require(try await scene.dump())
        #expect(!scene.node.isFrozen)
        #expect(record.outcome == .runtimeError)
    }

    @Test func pausedBySomebody() async throws {
        let scene = try JobScene()
        _ = await scene.node.pause()
        #expect(try await scene.dump()?.outcome == .paused)
        try isOver(scene)
        #expect(scene.node.isFrozen)
        #expect(scene.node.get { $0.calls } == 0)
    }

    @Test func notRunning() async throws {
        let scene = try JobScene()
        scene.node.set { $0.state = .exited }
        #expect(try await scene.dump()?.outcome == .notRunning)
        try isOver(scene)
    }

    @Test func gone() async throws {
        let scene = try JobScene()
        scene.node.set { $0.exists = false }
        #expect(try await scene.dump()?.outcome == .replaced)
        try isOver(scene)
    }

    @Test func anotherPod() async throws {
        let scene = try JobScene()
        scene.node.set { $0.labels["io.kubernetes.pod.uid"] = "uid-2" }
        #expect(try await scene.dump()?.outcome == .replaced)
        #expect(scene.node.get { $0.calls } == 0)
    }

    @Test func samePod() async throws {
        let scene = try JobScene()
        scene.node.set { $0.labels["io.kubernetes.pod.uid"] = "uid-1" }
        #expect(try await scene.dump()?.outcome == .published)
    }

    @Test func nameThatCannotBe() async throws {
        let scene = try JobScene(pod: String(repeating: "a", count: 240))
        let record = try #require(try await scene.dump())
        #expect(record.outcome == .nameRefused)
        #expect(scene.node.get { $0.calls } == 0)
        try isOver(scene)
    }

    @Test func runtimeNotThere() async throws {
        let scene = try JobScene()
        scene.node.set { $0.connectError = RuntimeError(.unavailable, "connection refused", isConnectionLoss: true) }
        let record = try #require(try await scene.dump())
        #expect(record.outcome == .runtimeError)
        #expect(record.message == "rpc error: code = Unavailable desc = connection refused")
        try isOver(scene)
    }

    /// Somebody dumps it: his turn first.
    @Test func waitsForSomebodyElsesDump() async throws {
        let scene = try JobScene()
        await scene.node.beginDump()
        scene.node.after(.seconds(5)) { await $0.endDump() }
        #expect(try await scene.dump()?.outcome == .published)
        #expect(scene.node.get { $0.resumes } == 0)
        try isOver(scene)
    }

    /// A call that was cut off has left its work directory behind in a runtime that goes on.
    @Test(arguments: [true, false]) func leftoverOfADump(_ isOld: Bool) async throws {
        let scene = try JobScene()
        scene.node.makeWorkDirectory()
        scene.node.set { $0.workDirectoryIsUsed = false }
        if isOld { await scene.node.pass(.seconds(60)) }
        let start = scene.node.monotonic()
        let record = try #require(try await scene.dump())
        #expect(record.outcome == .published)
        #expect(scene.node.monotonic() - start < .seconds(isOld ? 1 : 62))
        try isOver(scene)
    }

    @Test func waitsNotForEver() async throws {
        let scene = try JobScene()
        scene.node.makeWorkDirectory()
        let record = try #require(try await scene.dump())
        #expect(record.outcome == .contended)
        #expect(record.message.contains("600 s"))
        #expect(scene.node.get { $0.calls } == 0)
    }

    @Test(arguments: [TaskAnswer.busy, .pausing, .unclear("?")]) func waitsForAnAnswer(_ answer: TaskAnswer)
        async throws
    {
        let scene = try JobScene()
        scene.node.set { $0.answers = [answer, answer] }
        #expect(try await scene.dump()?.outcome == .published)
    }

    /// A dump of somebody else's began during ours, which says that all is well.
    @Test func contendedOnceAndAgainAlone() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let error = await node.dump(to: location)
                if node.get({ $0.calls }) == 1 {
                    node.makeWorkDirectory()
                    node.set { $0.workDirectory = nil }
                }
                return error
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(record.outcome == .published)
        #expect(record.attempts == 2)
        #expect(scene.node.get { $0.calls } == 2)
    }

    @Test func contendedTwice() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let error = await node.dump(to: location)
                _ = await node.pause()
                await node.unpause()
                return error
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(record.outcome == .contended)
        #expect(record.message == "it was paused 2 and resumed 2 times during the dump")
        #expect(record.attempts == 2)
    }

    @Test(arguments: ["cannot pause a paused container", "open ctrd-checkpoint/status: no such file or directory"])
    func contendedByTheError(_ text: String) async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                node.get { $0.calls } == 1 ? RuntimeError(.unknown, text) : await node.dump(to: location)
            }
        }
        #expect(try await scene.dump()?.attempts == 2)
        try isOver(scene)
    }

    /// Somebody paused it during the dump and keeps it so: the record does not wait for him, the process does.
    @Test func pausedDuringTheDump() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let error = await node.dump(to: location)
                _ = await node.pause()
                node.after(.seconds(3_600)) { node in
                    #expect((try? scene.record?.outcome) == .contended)
                    #expect((try? scene.directory.jobs()) == [scene.id])
                    await node.unpause()
                }
                return error
            }
        }
        let record = try #require(try await scene.dump())
        try isOver(scene)
        #expect(record.outcome == .contended)
        #expect(record.containerState == "PAUSED")
        #expect(scene.node.get { $0.resumes } == 0)
        #expect(scene.node.get { $0.now } > .seconds(4_600))
    }

    @Test func archiveThatIsNone() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let error = await node.dump(to: location)
                node.write(Array(SampleCheckpoint().tar().dropLast(2_000)), to: location + "x")
                unlink(location)
                rename(location + "x", location)
                return error
            }
        }
        #expect(try await scene.dump()?.outcome == .badArchive)
        try isOver(scene)
    }

    @Test func noArchive() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                let error = await node.dump(to: location)
                unlink(location)
                return error
            }
        }
        #expect(try await scene.dump()?.outcome == .badArchive)
        try isOver(scene)
    }

    /// Events that never come are no proof of anything.
    @Test func withoutProof() async throws {
        let scene = try JobScene()
        scene.node.set { state in
            state.script = { node, location in
                node.write(SampleCheckpoint().tar(), to: location)
                return nil
            }
        }
        #expect(try await scene.dump()?.outcome == .contended)
        try isOver(scene)
    }

    /// CRI-O has no events; its own second call fails by itself.
    @Test func runtimeWithoutEvents() async throws {
        let scene = try JobScene()
        scene.node.set { $0.about = RuntimeDescription(name: "cri-o", version: "1.36.3") }
        let record = try #require(try await scene.dump())
        #expect(record.outcome == .published)
        #expect(record.runtime == "cri-o 1.36.3")
    }

    @Test func takenNames() async throws {
        let scene = try JobScene()
        let first = try #require(try await scene.dump()?.archive)
        let again = try JobScene()
        try again.scratch.write([1], to: "checkpoints/" + first)
        let second = try #require(try await again.dump()?.archive)
        #expect(second.hasSuffix("000000001Z.tar"))
        #expect(first.hasSuffix("000000000Z.tar"))
        #expect(try again.scratch.read("checkpoints/" + first) == [1])
    }

    @Test func oneAtATime() async throws {
        let scene = try JobScene()
        let job = try #require(try scene.directory.job(scene.id))
        let lock = try JobLock.tryAcquire(job)
        await #expect(throws: Dump.Refusal.self) { try await scene.dump() }
        withExtendedLifetime(lock) {}
    }

    @Test func noJob() async throws {
        let scene = try JobScene()
        try scene.directory.removeJob(scene.id)
        await #expect(throws: Dump.Refusal.self) { try await scene.dump() }
    }

    /// A second dump process for a job that has been begun continues it.
    @Test func begunBefore() async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: .contentionWritten) }
        #expect(try await scene.dumpAgain()?.outcome == .published)
        #expect(scene.node.get { $0.calls } == 1)
        try isOver(scene)
    }

    @Test func queuedForAsLongAsTheClockSays() async throws {
        let scene = try JobScene()
        #expect(try await scene.dump()?.times.queued == 1_000_000)
    }

    @Test(arguments: [
        ("/var/lib/kubelet/checkpoints/.nodekeep/20261121t061233-4f9a2c1b", "/var/lib/kubelet/checkpoints"),
        ("/c/.nodekeep/20261121t061233-4f9a2c1b/", "/c"),
        ("/.nodekeep/20261121t061233-4f9a2c1b", nil),
        ("/c/nodekeep/20261121t061233-4f9a2c1b", nil),
        ("/c/.nodekeep/records", nil),
        ("c/.nodekeep/20261121t061233-4f9a2c1b", nil),
        ("", nil),
    ]) func placeOfAJob(_ line: (String, String?)) {
        #expect(DumpMain.place(of: line.0)?.checkpoints == line.1)
    }
}
