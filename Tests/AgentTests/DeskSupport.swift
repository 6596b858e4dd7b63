// SPDX-License-Identifier: Apache-2.0
import Access
import CRI
import Checkpoint
import Gate
import Glibc
import Logging
import NodeStatus
import Synchronization
import Testing

@testable import API
@testable import Agent

/// A desk over a real directory, with processes that are only remembered and a runtime that says what it is told to.
final class DeskHarness {
    let path: String
    let desk: CheckpointDesk
    private let launched: Launched
    let replies = Replies()
    var now: Duration = .seconds(1_000)

    /// What the desk has started, in order. Used on the test's thread only.
    final class Launched {
        var processes: [(arguments: [String], job: String, purpose: String, directory: String)] = []
        var fails = false
    }

    /// Replies may come from anywhere, so they are behind a lock.
    final class Replies: Sendable {
        private let answers = Mutex<[UInt64: CheckpointAnswer]>([:])
        private let count = Mutex(0)
        func put(_ answer: CheckpointAnswer, _ request: UInt64) {
            answers.withLock { $0[request] = answer }
            count.withLock { $0 += 1 }
        }
        subscript(_ request: UInt64) -> CheckpointAnswer? { answers.withLock { $0[request] } }
        var total: Int { count.withLock { $0 } }
    }

    init(mode: mode_t = 0o700, requestTimeout: Duration = .seconds(120)) throws {
        var template = Array("/tmp/nodekeep-desk.XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, mode)
        let launched = Launched()
        self.launched = launched
        desk = CheckpointDesk(
            settings: CheckpointSettings(
                isEnabled: true, directory: path, stateDirectory: path, requestTimeout: requestTimeout,
                runtimeEndpoint: "unix:///run/test.sock", rootDirectory: "/", imageDirectory: "/", thresholds: []),
            survey: { _ throws(RuntimeError) in throw RuntimeError(.unavailable, "asked by the test itself") },
            launch: { arguments, job, purpose, directory in
                if launched.fails { throw AgentError("no process today") }
                launched.processes.append((arguments, job, purpose, directory))
                return .unit("\(purpose)-\(job)")
            },
            memory: { nil }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, post: { _ in })
        desk.open(now: now)
    }

    deinit {
        var pid: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] =
            ["rm", "-rf", path].map { (text: String) in strdup(text) } + [nil]
        defer { for argument in arguments { free(argument) } }
        if posix_spawn(&pid, "/bin/rm", nil, nil, arguments, nil) == 0 { waitpid(pid, nil, 0) }
    }

    var processes: [(arguments: [String], job: String, purpose: String, directory: String)] { launched.processes }
    func failLaunches(_ fails: Bool) { launched.fails = fails }

    static func call(_ container: String = "app", timeout: Duration? = nil, isDryRun: Bool = false) -> CheckpointCall {
        CheckpointCall(
            namespace: "shop", pod: "web", container: container, timeout: timeout, isDryRun: isDryRun, name: "n",
            peer: .unix(processID: 7, userID: 0, groupID: 0), userAgent: nil, identity: .localRoot,
            allowedBy: "root on this node")
    }

    static func survey(_ container: String = "app", state: ContainerState? = nil) -> ContainerSurvey {
        let identity = ContainerIdentity(
            namespace: "shop", pod: "web", podUID: "uid", container: container, containerID: "id-" + container,
            sandboxID: "s", attempt: 0, image: "image")
        return ContainerSurvey(
            lookup: state.map { .notRunning($0) } ?? .found(identity),
            runtime: RuntimeVersion(name: "containerd", version: "v2.1.9", apiVersion: "v1"))
    }

    /// A call, not looked up yet.
    func ask(_ request: UInt64, _ call: CheckpointCall = DeskHarness.call(), web: Int32 = 1) {
        let replies = replies
        desk.handle(
            .call(call, LongCallID(web: web, request: request)) { replies.put($0, request) }, now: now)
        desk.sendAnswers()
    }

    func handle(_ event: CheckpointKeeper.Event) {
        desk.handle(event, now: now)
        desk.sendAnswers()
    }

    /// A call that the runtime has answered for.
    func submit(_ request: UInt64, _ container: String = "app", timeout: Duration? = nil, web: Int32 = 1) {
        ask(request, Self.call(container, timeout: timeout), web: web)
        handle(.surveyed(LongCallID(web: web, request: request), .success(Self.survey(container))))
    }

    func advance(_ duration: Duration) {
        now += duration
        desk.look(now: now)
        desk.sendAnswers()
    }

    var directory: CheckpointDirectory {
        get throws { try CheckpointDirectory.open(path, creating: false) }
    }

    func jobDirectory(_ job: String) throws -> JobDirectory {
        let id = try #require(JobID(job))
        return try #require(try directory.job(id))
    }

    /// Does what a dump does at its end.
    func end(
        _ job: String, _ outcome: JobOutcome, message: String = "", archive: String? = nil,
        leavesDirectory: Bool = false
    )
        throws
    {
        let job = try jobDirectory(job)
        let bytes = try #require(try job.read(.request))
        let request = try #require(try? JobCoding.decode(JobRequest.self, bytes, path: ""))
        var record = JobRecord(request: request, outcome: outcome, message: message, finishedAt: Moment(noon))
        record.archive = archive
        try job.write(try JobCoding.encode(record), to: .outcome)
        try directory.moveOutcomeToRecords(of: job)
        if !leavesDirectory { try directory.removeJob(job.id) }
        desk.look(now: now)
        desk.sendAnswers()
    }

    func record(_ job: String) throws -> JobRecord? {
        let id = try #require(JobID(job))
        return try directory.record(id).flatMap { try? JobCoding.decode(JobRecord.self, $0, path: "") }
    }
}

private let noon = Timestamp(seconds: 1_795_000_000)
