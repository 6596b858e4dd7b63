// SPDX-License-Identifier: Apache-2.0
import CRI
import Testing

@testable import Checkpoint

/// The dump dies behind every step that can be seen, then the recovery does, and the next one must come to the same end.
@Suite struct CrashTests {
    enum Story: String, CaseIterable, Sendable {
        case good, contendedOnce, contendedTwice, failed, leftFrozen, lostFrozen, lostGoingOn, pausedByOthers,
            badArchive
    }

    private func tell(_ story: Story, on node: FakeNode) {
        node.set { $0.script = { node, location in await Self.call(story, node, location) } }
    }

    private static func call(_ story: Story, _ node: FakeNode, _ location: String) async -> RuntimeError? {
        switch story {
        case .good: return await node.dump(to: location)
        case .contendedOnce, .contendedTwice:
            let error = await node.dump(to: location)
            if story == .contendedTwice || node.get({ $0.calls }) == 1 {
                _ = await node.pause()
                await node.unpause()
            }
            return error
        case .failed:
            await node.beginDump()
            await node.unpause()
            node.set { $0.workDirectory = nil }
            node.write([1], to: location)
            return RuntimeError(.unknown, "criu failed")
        case .leftFrozen:
            await node.beginDump()
            node.set { $0.workDirectory = nil }
            return RuntimeError(.unknown, "criu failed")
        case .lostFrozen:
            await node.beginDump()
            node.restartRuntime()
            return lostConnection
        case .lostGoingOn:
            await node.beginDump()
            node.after(.seconds(30)) { node in
                await node.endDump()
                node.write(SampleCheckpoint().tar(), to: location)
            }
            return lostConnection
        case .pausedByOthers:
            let error = await node.dump(to: location)
            _ = await node.pause()
            // Whoever pauses ends it some time.
            node.after(.seconds(1_000)) { await $0.unpause() }
            return error
        case .badArchive:
            let error = await node.dump(to: location)
            node.write([0], to: location)
            return error
        }
    }

    private func check(_ scene: JobScene, _ story: Story, _ words: String) throws {
        let comment = Comment(rawValue: words)
        #expect(try scene.directory.jobs() == [], comment)
        #expect(!scene.node.isFrozen, comment)
        let record = try #require(try scene.record, comment)
        #expect((record.outcome == .published) == (record.archive != nil), comment)
        #expect(try scene.archives == (record.archive.map { [$0] } ?? []), comment)
        if let archive = record.archive {
            let verified = try ArchiveVerifier(containerID: FakeNode.container).verify(archive, in: scene.directory)
            #expect(verified.sha256 == record.sha256, comment)
        }
        switch story {
        case .good, .contendedOnce: break
        default: #expect(record.outcome != .published, comment)
        }
        // Only what this call has frozen is thawed by us; of a pause right behind a dump nobody knows whose it was when
        // the one who saw it is dead.
        let mayResume = story == .leftFrozen || story == .lostFrozen
        let isKnown = !words.contains(" called ")
        #expect(mayResume || !isKnown || scene.node.get { $0.resumes } == 0, comment)
    }

    @Test(arguments: Story.allCases) func everyStep(_ story: Story) async throws {
        var deaths = 0
        for step in DumpStep.allCases {
            for time in 1...2 {
                // What a recovery does differs by whether there is an archive, a freeze, somebody else's pause.
                let isTold = story == .good || story == .leftFrozen || story == .pausedByOthers
                for second in [nil] + (isTold ? DumpStep.allCases.map(Optional.init) : []) {
                    let scene = try JobScene()
                    tell(story, on: scene.node)
                    let words = "\(story), \(step) \(time), then \(second?.rawValue ?? "-")"
                    do {
                        try await scene.dump(dying: step, time: time)
                        // It never came to that step, or not so often.
                        try check(scene, story, words)
                        break
                    } catch is DumpAbandoned {
                        deaths += 1
                    }
                    if let second { await scene.recover(dying: second, once: true) }
                    await scene.recover()
                    try check(scene, story, words)
                }
            }
        }
        #expect(deaths >= 5)
    }

    @Test(arguments: [
        DumpStep.contentionWritten, .closed, .verified, .outcomeWritten, .archiveRenamed, .recordMoved,
    ]) func publishedFromTheVerdictOn(_ step: DumpStep) async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: step) }
        let report = await scene.recover()
        #expect(report.finished[scene.id] == .published)
        #expect(try scene.record?.outcome == .published)
    }

    @Test(arguments: [DumpStep.lockTaken, .intentWritten, .called])
    func interruptedBeforeTheVerdict(_ step: DumpStep) async throws {
        let scene = try JobScene()
        await #expect(throws: DumpAbandoned.self) { try await scene.dump(dying: step) }
        await scene.recover()
        #expect(try scene.record?.outcome == .interrupted)
    }
}
