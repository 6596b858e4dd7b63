// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import Testing

@testable import Agent

@Suite("Room for checkpoints")
struct CheckpointSpaceTests {
    /// Two fifths of what is free where the tests run, for each of two purposes.
    private func estimate(_ space: CheckpointSpace) throws -> SizeEstimate {
        let share = try space.probe("/tmp").available / 5 * 2
        return SizeEstimate(
            memory: 0, swap: 0, writableLayer: 0, log: 0,
            charges: ["the runtime's copies", "the archive"].map {
                SizeEstimate.Charge(directory: "/tmp", bytes: share, purpose: $0)
            })
    }

    private func space() -> CheckpointSpace {
        CheckpointSpace(
            settings: CheckpointSettings(
                isEnabled: true, directory: "/tmp", stateDirectory: "/tmp", requestTimeout: .seconds(1),
                runtimeEndpoint: nil,
                rootDirectory: "/", imageDirectory: "/", thresholds: []), memory: { nil })
    }

    private let job = JobID("20261121t061233-00000001")
    private let other = JobID("20261121t061233-00000002")

    @Test("While it waits a job is promised its archive, when it starts the archive and the rest")
    func waitingAndStarted() throws {
        var space = space()
        let estimate = try estimate(space)
        let (job, other) = try (#require(job), #require(other))
        #expect(space.shortage(for: estimate) == nil)
        space.promiseArchive(job, estimate)
        let share = estimate.charges[0].bytes
        #expect(space.shortage(for: estimate)?.promised == share)
        #expect(space.promiseAll(job, estimate) == nil)
        #expect(space.shortage(for: estimate)?.promised == 2 * share)
        space.promiseArchive(other, estimate)
        #expect(space.promiseAll(other, estimate)?.promised == 2 * share)
        // It keeps its archive until it is told that there is no room.
        #expect(space.shortage(for: estimate)?.promised == 3 * share)
        space.release(job)
        #expect(space.promiseAll(other, estimate) == nil)
    }

    @Test("What an earlier agent has started counts, whether it would fit or not")
    func adopted() throws {
        var space = space()
        let estimate = try estimate(space)
        for job in [job, other] { space.adopt(try #require(job), estimate) }
        #expect(space.shortage(for: estimate)?.promised == 4 * estimate.charges[0].bytes)
    }
}
