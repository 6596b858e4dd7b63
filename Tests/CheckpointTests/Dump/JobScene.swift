// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import Logging
import NodeStatus
import Synchronization

@testable import Checkpoint

/// A checkpoint directory on a real disk with one accepted job, on a fake node.
final class JobScene: Sendable {
    let scratch: ArchiveScratch
    let directory: CheckpointDirectory
    let node = FakeNode()
    let id = JobID(time: Timestamp(seconds: 1_795_200_000), random: 7)

    init(pod: String = "counter") throws {
        scratch = try ArchiveScratch()
        directory = try scratch.checkpoints()
        let job = try directory.createJob(id)
        try job.write(request(pod: pod), to: .request)
    }

    func request(pod: String = "counter") -> JobRequest {
        JobRequest(
            id: id.description, acceptedAt: Moment(Timestamp(seconds: 1_795_200_000)),
            container: ContainerIdentity(
                namespace: "default", pod: pod, podUID: "uid-1", container: "count", containerID: FakeNode.container,
                sandboxID: "sandbox", attempt: 0, image: "image"),
            requester: Requester(user: "root", authenticatedBy: "peer", from: "pid 1"),
            runtimeEndpoint: FakeNode.endpoint, estimate: nil)
    }

    /// - Parameter dying: after which step the process is as if killed, the how manieth time it comes to it.
    func around(dying step: DumpStep? = nil, time: Int = 1) -> JobSurroundings {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        var around = JobSurroundings(
            directory: directory, connector: node, machine: node, clock: node, logger: logger)
        let counter = Counter()
        around.after = { (reached) throws(DumpAbandoned) in
            if reached == step, counter.next() == time { throw DumpAbandoned() }
        }
        return around
    }

    @discardableResult
    func dump(dying step: DumpStep? = nil, time: Int = 1) async throws -> JobRecord? {
        try await Dump(around(dying: step, time: time)).run(id)
    }

    /// Other tests start programs, whose processes hold a copy of every descriptor until they are their own: a lock
    /// that was just let go of may look held for that long.
    @discardableResult
    func recover(dying step: DumpStep? = nil, once: Bool = false) async -> Recovery.Report {
        while true {
            let report = await Recovery(around(dying: step)).run(once: once, claimingUnstarted: true)
            if report.busy.isEmpty { return report }
            await Task.yield()
        }
    }

    /// Waits for a lock as ``recover(dying:once:)`` does.
    func dumpAgain() async throws -> JobRecord? {
        while true {
            do { return try await dump() } catch Dump.Refusal.locked { await Task.yield() }
        }
    }

    var record: JobRecord? {
        get throws {
            try directory.record(id).map { try JobCoding.decode(JobRecord.self, $0, path: "record") }
        }
    }

    var archives: [String] {
        get throws { try directory.archiveEntries().map(\.fileName) }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }
}
