// SPDX-License-Identifier: Apache-2.0
import CRI
import Checkpoint
import Gate
import Glibc
import Testing

@testable import API
@testable import Agent

@Suite("Checkpoint desk")
struct CheckpointDeskTests {
    @Test("A call is accepted, started, and answered with its archive")
    func published() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        let started = try #require(harness.processes.first)
        let job = try harness.jobDirectory(started.job)
        #expect(started.arguments == ["dump", job.path])
        // The lock is free for the process that was started.
        #expect(try JobLock.tryAcquire(job) != nil)
        #expect(harness.desk.view.jobs.map(\.phase) == ["preparing"])
        try harness.end(started.job, .published, archive: "checkpoint-x.tar")
        let answer = try #require(harness.replies[1])
        #expect(answer.status == 200)
        #expect(answer.body == #"{"items":["\#(harness.path)/checkpoint-x.tar"]}"#)
        #expect(harness.desk.view.jobs.isEmpty)
        #expect(harness.desk.view.outcomes == ["published": 1])
    }

    @Test("Calls for one container run one after the other, others beside them, two at once")
    func queue() throws {
        let harness = try DeskHarness()
        for request in 1...3 { harness.submit(UInt64(request)) }
        harness.submit(4, "side")
        harness.submit(5, "third")
        #expect(harness.processes.count == 2)
        #expect(harness.desk.view.jobs.compactMap(\.position).sorted() == [1, 2, 3])
        // The lock of one that waits is ours.
        let waiting = try #require(harness.desk.view.jobs.first { $0.phase == "queued" })
        #expect(try JobLock.tryAcquire(try harness.jobDirectory(waiting.id)) == nil)
        for index in 0..<5 {
            try harness.end(harness.processes[index].job, .published, archive: "a\(index)")
        }
        #expect(harness.processes.count == 5)
        #expect(harness.replies.total == 5)
        #expect((1...5).allSatisfy { harness.replies[$0]?.status == 200 })
    }

    @Test(
        "A directory that a job has left after its record is taken away by another process, tried less and less often")
    func remains() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        let job = harness.processes[0].job
        try harness.end(job, .published, archive: "a", leavesDirectory: true)
        #expect(harness.replies[1]?.status == 200)
        #expect(harness.processes.count == 1)
        let directory = try harness.jobDirectory(job)
        // Who holds the lock sees to it.
        try {
            let lock = try #require(try JobLock.tryAcquire(directory))
            harness.advance(.seconds(60))
            lock.hold()
        }()
        #expect(harness.processes.count == 1)
        harness.advance(.seconds(5))
        #expect(harness.processes.count == 2)
        #expect(harness.processes[1].arguments == ["recover", "--job", directory.path])
        #expect(try JobLock.tryAcquire(directory) != nil)
        harness.advance(.seconds(4))
        #expect(harness.processes.count == 2)
        harness.advance(.seconds(1))
        #expect(harness.processes.count == 3)
        harness.advance(.seconds(9))
        #expect(harness.processes.count == 3)
        try harness.directory.removeJob(directory.id)
        harness.advance(.seconds(3_600))
        #expect(harness.processes.count == 3)
        #expect(harness.desk.remains.isEmpty)
        #expect(harness.desk.view.jobs.isEmpty)
    }

    @Test(
        "Every outcome has its status",
        arguments: [
            (JobOutcome.runtimeError, 500), (.lost, 500), (.badArchive, 500), (.contended, 409), (.notRunning, 409),
            (.paused, 409), (.replaced, 409), (.noSpace, 507), (.nameRefused, 400), (.interrupted, 500),
            (.internalError, 500),
        ] as [(JobOutcome, UInt16)])
    func outcomes(outcome: JobOutcome, status: UInt16) throws {
        let harness = try DeskHarness()
        harness.submit(1)
        try harness.end(harness.processes[0].job, outcome, message: "because")
        #expect(harness.replies[1]?.status == status)
        #expect(harness.replies[1]?.body == "checkpointing of shop/web/app failed (because)")
    }

    @Test("A caller who leaves before his turn is dropped, with a record; one whose dump runs is not")
    func leaving() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        harness.submit(2)
        let queued = try #require(harness.desk.view.jobs.first { $0.phase == "queued" }?.id)
        harness.handle(.cancel(LongCallID(web: 1, request: 2)))
        #expect(try harness.record(queued)?.outcome == .dropped)
        #expect(try harness.directory.jobs().map(\.description) == [harness.processes[0].job])
        harness.handle(.cancel(LongCallID(web: 1, request: 1)))
        #expect(harness.desk.view.jobs.count == 1)
        try harness.end(harness.processes[0].job, .published, archive: "a")
        #expect(harness.processes.count == 1)
        // Nobody may ever hear it, but one that has only half closed does.
        #expect(harness.replies[1]?.status == 200)
    }

    @Test("The callers of a web process that has gone are all gone")
    func webGone() throws {
        let harness = try DeskHarness()
        harness.submit(1, web: 7)
        harness.submit(2, web: 7)
        harness.submit(3, web: 8)
        harness.handle(.cancelAll(web: 7))
        #expect(harness.desk.view.jobs.count == 2)
        try harness.end(harness.processes[0].job, .published, archive: "a")
        #expect(harness.processes.count == 2)
    }

    @Test("Who waits too long is told the job, which goes on; one whose turn has not come is dropped")
    func deadline() throws {
        let harness = try DeskHarness()
        harness.submit(1, timeout: .seconds(5))
        harness.submit(2, timeout: .seconds(6))
        harness.advance(.milliseconds(4_999))
        #expect(harness.replies.total == 0)
        harness.advance(.milliseconds(1))
        let job = harness.processes[0].job
        #expect(harness.replies[1]?.status == 504)
        #expect(
            harness.replies[1]?.body
                == "checkpointing of shop/web/app failed (it is not finished after 5s: job \(job) goes on)")
        harness.advance(.seconds(1))
        #expect(harness.replies[2]?.status == 504)
        #expect(harness.replies[2]?.body.contains("was dropped") == true)
        #expect(harness.desk.view.jobs.map(\.id) == [job])
        try harness.end(job, .published, archive: "a")
        #expect(harness.replies.total == 2)
        #expect(harness.processes.count == 1)
    }

    @Test("A runtime that does not answer in time costs the caller no more than that")
    func silentRuntime() throws {
        let harness = try DeskHarness(requestTimeout: .seconds(3))
        harness.ask(1)
        harness.advance(.seconds(3))
        #expect(harness.replies[1]?.status == 504)
        // Its late answer starts nothing.
        harness.handle(.surveyed(LongCallID(web: 1, request: 1), .success(DeskHarness.survey())))
        #expect(harness.processes.isEmpty)
    }

    @Test("What the runtime says of the container decides")
    func lookups() throws {
        let harness = try DeskHarness()
        let cases: [(Result<ContainerSurvey, RuntimeError>, UInt16)] = [
            (.success(DeskHarness.survey(state: .exited)), 409),
            (.failure(RuntimeError(.unavailable, "no such file", isConnectionLoss: true)), 503),
            (.failure(RuntimeError(.unknown, "broken")), 500),
        ]
        for (index, (result, status)) in cases.enumerated() {
            harness.ask(UInt64(index))
            harness.handle(.surveyed(LongCallID(web: 1, request: UInt64(index)), result))
            #expect(harness.replies[UInt64(index)]?.status == status)
        }
        #expect(harness.processes.isEmpty)
        #expect(try harness.directory.jobs().isEmpty)
    }

    @Test("A stopping agent answers everybody and leaves the dumps alone")
    func stopping() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        harness.submit(2)
        harness.ask(3)
        let queued = try #require(harness.desk.view.jobs.first { $0.phase == "queued" }?.id)
        harness.handle(.stop)
        #expect((1...3).allSatisfy { harness.replies[$0]?.status == 503 })
        #expect(harness.desk.isStopped)
        #expect(try harness.record(queued)?.outcome == .dropped)
        #expect(try harness.directory.jobs().map(\.description) == [harness.processes[0].job])
    }

    @Test("Beyond the limits it is 503 with Retry-After, and nothing is left behind")
    func limits() throws {
        let harness = try DeskHarness()
        for request in 0..<18 { harness.submit(UInt64(request)) }
        #expect(harness.replies[17]?.status == 503)
        #expect(harness.replies[17]?.headers.contains { $0.name == "retry-after" } == true)
        #expect(harness.replies.total == 1)
        #expect(try harness.directory.jobs().count == 17)
    }

    @Test("A process that ends without a record is followed by one that puts things in order")
    func orphan() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        let job = harness.processes[0].job
        let lock = try #require(try JobLock.tryAcquire(try harness.jobDirectory(job)))
        harness.advance(.seconds(11))
        harness.advance(.seconds(1))
        // It holds its lock: it is alive.
        #expect(harness.processes.count == 1)
        withExtendedLifetime(lock) {}
        _ = consume lock
        harness.advance(.seconds(1))
        harness.advance(.seconds(1))
        #expect(harness.processes.count == 2)
        #expect(harness.processes[1].arguments == ["recover", "--job", try harness.jobDirectory(job).path])
        #expect(harness.replies.total == 0)
        try harness.end(job, .interrupted, message: "the dump was killed")
        #expect(harness.replies[1]?.status == 500)
    }

    @Test("A recovery that fails is tried again, not all the time")
    func recoveryAgain() throws {
        let harness = try DeskHarness()
        harness.submit(1)
        for _ in 0..<200 { harness.advance(.milliseconds(500)) }
        #expect((3...12).contains(harness.processes.count))
        #expect(harness.processes.dropFirst().allSatisfy { $0.purpose == "recover" })
    }

    @Test("What an earlier agent has left is taken up: alive or not")
    func adoption() throws {
        let first = try DeskHarness()
        first.submit(1)
        first.submit(2, "side")
        let (alive, dead) = (first.processes[0].job, first.processes[1].job)
        let lock = try #require(try JobLock.tryAcquire(try first.jobDirectory(alive)))
        first.desk.settings.isEnabled = true
        first.desk.jobs = [:]
        first.desk.queue = JobQueue()
        first.desk.store = nil
        first.now += .seconds(60)
        first.desk.open(now: first.now)
        first.advance(.zero)
        first.advance(.seconds(1))
        #expect(first.processes.dropFirst(2).map(\.job) == [dead])
        #expect(first.desk.view.jobs.count == 2)
        // The container of the one that runs is not free.
        first.submit(3)
        #expect(first.processes.count == 3)
        try first.end(alive, .published, archive: "a")
        try first.end(dead, .interrupted)
        #expect(first.processes.count == 4)
        withExtendedLifetime(lock) {}
    }

    @Test("A directory that others may look into is refused, until it is put right")
    func badDirectory() throws {
        let harness = try DeskHarness(mode: 0o755)
        harness.ask(1)
        #expect(harness.replies[1]?.status == 500)
        #expect(harness.replies[1]?.body.contains(harness.path) == true)
        #expect(harness.desk.view.problem != nil)
        chmod(harness.path, 0o700)
        harness.submit(2)
        #expect(harness.processes.count == 1)
        #expect(harness.desk.view.problem == nil)
    }

    @Test("A process that cannot be started is tried again as a recovery")
    func noProcess() throws {
        let harness = try DeskHarness()
        harness.failLaunches(true)
        harness.submit(1)
        #expect(harness.processes.isEmpty)
        harness.failLaunches(false)
        for _ in 0..<4 { harness.advance(.seconds(6)) }
        #expect(harness.processes.first?.purpose == "recover")
    }

    @Test("A name that does not fit is refused before anything is touched")
    func longName() throws {
        let harness = try DeskHarness()
        var call = DeskHarness.call()
        call.pod = String(repeating: "p", count: 201)
        harness.ask(1, call)
        #expect(harness.replies[1]?.status == 400)
    }
}
