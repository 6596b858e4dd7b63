// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Checkpoint

/// What the guard does when it sees the same thing for a while, look after look.
@Suite struct ThawDecisionTests {
    struct Line: CustomTestStringConvertible, Sendable {
        var name: String
        var kind = RuntimeKind.containerd
        var call: ThawCase.Call
        var ranBefore = true
        var task = TaskAnswer.paused
        var freezer = FreezerState.frozen
        var isSameBoot = true
        var process = ThawLook.Process.same
        var runtime = ThawLook.RuntimeProcess.same
        var dump = DumpSign.none
        var took = Duration.zero
        /// How long it is looked at, every 200 ms.
        var seconds = 60
        var expected: ThawStep?
        var wait: ThawWait?
        /// The steps before the last were waits for at least so long.
        var notBefore = Duration.zero
        var testDescription: String { name }
    }

    static let lines: [Line] = [
        Line(
            name: "answered, runs", call: .returned, task: .running, freezer: .thawed,
            expected: .closed(.running(resumedByUs: false))),
        Line(name: "answered, paused: somebody else's", call: .returned, wait: .pausedByOthers),
        Line(name: "answered, ended", call: .returned, task: .stopped, freezer: .gone, expected: .closed(.stopped)),
        Line(
            name: "failed, runs", call: .failed(pauseIsOpen: false), task: .running, freezer: .thawed,
            expected: .closed(.running(resumedByUs: false))),
        Line(
            name: "failed, paused by this call", call: .failed(pauseIsOpen: true), expected: .resume,
            notBefore: .seconds(2)),
        Line(name: "failed, paused by somebody", call: .failed(pauseIsOpen: false), wait: .pausedByOthers),
        Line(
            name: "failed, paused, somebody dumps", call: .failed(pauseIsOpen: true), dump: .seen("d"),
            wait: .dumpUnderWay("d")),
        Line(
            name: "lost, paused for good", call: .lost(resumeWasSeen: false), expected: .resume,
            notBefore: .seconds(2)),
        Line(name: "lost, paused again after its resume", call: .lost(resumeWasSeen: true), wait: .pausedByOthers),
        Line(name: "lost, paused before", call: .lost(resumeWasSeen: false), ranBefore: false, wait: .pausedByOthers),
        Line(
            name: "lost, paused, dump under way", call: .lost(resumeWasSeen: false), dump: .seen("d"),
            wait: .dumpUnderWay("d")),
        Line(
            name: "lost, paused, criu at work", call: .lost(resumeWasSeen: false), dump: .seen("criu"), seconds: 3_600,
            wait: .dumpUnderWay("criu")),
        Line(
            name: "lost, paused, nobody works in the directory", call: .lost(resumeWasSeen: false),
            dump: .workDirectory(state: "d", age: .zero), seconds: 100, expected: .resume, notBefore: .seconds(62)),
        Line(
            name: "lost, paused, nobody has worked in the directory", call: .lost(resumeWasSeen: false),
            dump: .workDirectory(state: "d", age: .seconds(60)), expected: .resume, notBefore: .seconds(2)),
        Line(
            name: "lost, runs, nobody works in the directory", call: .lost(resumeWasSeen: false), task: .running,
            freezer: .thawed, dump: .workDirectory(state: "d", age: .zero), seconds: 100,
            expected: .closed(.running(resumedByUs: false)), notBefore: .seconds(63)),
        Line(
            name: "lost, runtime gone, thawed, nobody has worked in the directory",
            call: .lost(resumeWasSeen: false), task: .unreachable("no"), freezer: .thawed,
            dump: .workDirectory(state: "d", age: .seconds(60)), expected: .closed(.running(resumedByUs: false)),
            notBefore: .seconds(10)),
        Line(
            name: "lost, paused, dumps not to be seen", call: .lost(resumeWasSeen: false), dump: .invisible,
            expected: .resume, notBefore: .seconds(30)),
        Line(
            name: "lost, paused, freezer not to be read", call: .lost(resumeWasSeen: false), freezer: .unknown("x"),
            expected: .resume, notBefore: .seconds(10)),
        Line(
            name: "lost, paused, freezer thawed", call: .lost(resumeWasSeen: false), freezer: .thawed,
            wait: .busy("it says PAUSED, and its cgroup is thawed")),
        Line(
            name: "lost, runs", call: .lost(resumeWasSeen: false), task: .running, freezer: .thawed,
            expected: .closed(.running(resumedByUs: false)), notBefore: .seconds(3)),
        Line(
            name: "lost, runs, on a machine that is slow", call: .lost(resumeWasSeen: false), task: .running,
            freezer: .thawed, took: .milliseconds(300), expected: .closed(.running(resumedByUs: false)),
            notBefore: .seconds(9)),
        Line(
            name: "lost, runs, dump under way", call: .lost(resumeWasSeen: false), task: .running, freezer: .thawed,
            dump: .seen("d"), wait: .dumpUnderWay("d")),
        Line(
            name: "lost, runs, freezer frozen", call: .lost(resumeWasSeen: false), task: .running,
            wait: .busy("it says RUNNING, and its cgroup is frozen")),
        Line(
            name: "lost, no answer", call: .lost(resumeWasSeen: false), task: .busy,
            wait: .busy("no answer in time")),
        Line(
            name: "lost, pausing", call: .lost(resumeWasSeen: false), task: .pausing,
            wait: .busy("it is being paused")),
        Line(
            name: "lost, runtime gone, frozen", call: .lost(resumeWasSeen: false), task: .unreachable("no"),
            seconds: 3_600, wait: .runtimeUnreachable("no")),
        Line(
            name: "lost, runtime gone, thawed", call: .lost(resumeWasSeen: false), task: .unreachable("no"),
            freezer: .thawed, expected: .closed(.running(resumedByUs: false)), notBefore: .seconds(10)),
        Line(
            name: "lost, runtime gone, thawed, criu at work", call: .lost(resumeWasSeen: false),
            task: .unreachable("no"), freezer: .thawed, dump: .seen("criu"), wait: .runtimeUnreachable("no")),
        Line(
            name: "lost, forgotten, process frozen", call: .lost(resumeWasSeen: false), task: .gone,
            wait: .unseen("the runtime does not know it, and its process is frozen")),
        Line(
            name: "lost, forgotten, process thawed", call: .lost(resumeWasSeen: false), task: .gone, freezer: .thawed,
            expected: .closed(.gone("the runtime does not know the container any more"))),
        Line(
            name: "another boot", call: .lost(resumeWasSeen: false), isSameBoot: false,
            expected: .closed(.gone("the node was restarted"))),
        Line(
            name: "process gone, or its number used again", call: .lost(resumeWasSeen: false), process: .gone,
            expected: .closed(.gone("the container's process is gone"))),
        Line(name: "process never known", call: .lost(resumeWasSeen: false), process: .unknown, wait: .pausedByOthers),
        Line(
            name: "CRI-O lost, frozen: it finishes", kind: .crio, call: .lost(resumeWasSeen: false), task: .running,
            wait: .dumpUnderWay("the runtime finishes it by itself")),
        Line(
            name: "CRI-O lost, frozen, its process not known", kind: .crio, call: .lost(resumeWasSeen: false),
            task: .running, runtime: .unknown, wait: .dumpUnderWay("the runtime finishes it by itself")),
        Line(
            name: "CRI-O lost and restarted, frozen", kind: .crio, call: .lost(resumeWasSeen: false), task: .running,
            runtime: .restarted, expected: .resume, notBefore: .seconds(2)),
        Line(
            name: "CRI-O lost and restarted, criu still at work", kind: .crio, call: .lost(resumeWasSeen: false),
            task: .running, runtime: .restarted, dump: .seen("criu"), wait: .dumpUnderWay("criu")),
        Line(
            name: "CRI-O lost, thawed by criu", kind: .crio, call: .lost(resumeWasSeen: false), task: .running,
            freezer: .thawed, dump: .seen("criu"), wait: .dumpUnderWay("criu")),
        Line(
            name: "CRI-O lost, runs", kind: .crio, call: .lost(resumeWasSeen: false), task: .running, freezer: .thawed,
            expected: .closed(.running(resumedByUs: false)), notBefore: .seconds(3)),
        Line(
            name: "CRI-O lost, freezer not to be read", kind: .crio, call: .lost(resumeWasSeen: false), task: .running,
            freezer: .unknown("x"), wait: .unseen("x")),
        Line(
            name: "CRI-O answered, freezer not to be read", kind: .crio, call: .returned, task: .running,
            freezer: .unknown("x"), expected: .closed(.running(resumedByUs: false))),
        Line(
            name: "CRI-O answered, frozen: somebody else's", kind: .crio, call: .returned, task: .running,
            wait: .pausedByOthers),
        Line(
            name: "CRI-O ended", kind: .crio, call: .lost(resumeWasSeen: false), task: .stopped, freezer: .gone,
            expected: .closed(.stopped)),
    ]

    @Test(arguments: lines) func line(_ line: Line) {
        var decision = ThawDecision(ThawCase(kind: line.kind, call: line.call, ranBefore: line.ranBefore))
        var time = Duration.seconds(100)
        let start = time
        var last: ThawStep?
        while time - start < .seconds(line.seconds) {
            let step = decision.next(
                ThawLook(
                    at: time, isSameBoot: line.isSameBoot, process: line.process, runtime: line.runtime,
                    task: line.task, freezer: line.freezer, dump: line.dump, took: line.took))
            last = step
            guard case .wait(let duration, _) = step else { break }
            #expect(duration > .zero && duration <= .seconds(5))
            time += duration
        }
        #expect(time - start >= line.notBefore)
        if let wait = line.wait {
            guard case .wait(_, let reason) = last else {
                Issue.record("\(String(describing: last))")
                return
            }
            #expect(reason == wait)
        } else {
            #expect(last == line.expected)
        }
    }

    private func look(
        _ seconds: Double, _ task: TaskAnswer, _ freezer: FreezerState, _ dump: DumpSign = .none
    ) -> ThawLook {
        ThawLook(at: .seconds(seconds), task: task, freezer: freezer, dump: dump)
    }

    private func lost() -> ThawDecision {
        ThawDecision(ThawCase(kind: .containerd, call: .lost(resumeWasSeen: false), ranBefore: true))
    }

    /// One look that is different, and the watching starts over.
    @Test(arguments: [
        (TaskAnswer.running, FreezerState.thawed), (.paused, .thawed), (.busy, .frozen), (.unreachable("no"), .frozen),
        (.pausing, .freezing),
    ]) func everyLookMustBeFrozen(_ other: (TaskAnswer, FreezerState)) {
        var decision = lost()
        for index in 0..<100 {
            let time = Double(index) * 0.2
            let step =
                index % 9 == 8
                ? decision.next(look(time, other.0, other.1)) : decision.next(look(time, .paused, .frozen))
            #expect(step != .resume)
        }
    }

    /// A machine that stood still has waited, and has not looked.
    @Test func timeAloneDoesNotSettle() {
        var decision = lost()
        #expect(decision.next(look(0, .paused, .frozen)) != .resume)
        #expect(decision.next(look(50, .paused, .frozen)) != .resume)
    }

    @Test func resumedByUsIsSaid() {
        var decision = lost()
        var time = 0.0
        while decision.next(look(time, .paused, .frozen)) != .resume { time += 0.2 }
        decision.resumed(at: .seconds(time))
        #expect(decision.next(look(time + 0.2, .running, .thawed)) == .closed(.running(resumedByUs: true)))
    }

    /// For ever, more and more seldom.
    @Test func resumesAgainWithBackoff() {
        var decision = lost()
        var resumes: [Double] = []
        var tick = 0
        while tick < 300 * 5 {
            let time = Double(tick) / 5
            if decision.next(look(time, .paused, .frozen)) == .resume {
                resumes.append(time)
                decision.resumed(at: .seconds(time))
            }
            tick += 1
        }
        #expect(resumes.count > 50)
        let gaps = zip(resumes, resumes.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 <= 5.3 })
        #expect((gaps.first ?? 9) < 1)
        #expect((gaps.last ?? 0) >= 5)
    }

    /// Somebody works in it, if seldom.
    @Test func directoryThatChangesNowAndThen() {
        var decision = lost()
        for tick in 0..<(5 * 2_000) {
            let sign = DumpSign.workDirectory(state: "holds \(tick / 250)", age: .zero)
            #expect(decision.next(look(Double(tick) / 5, .paused, .frozen, sign)) != .resume)
        }
    }

    /// What keeps the runtime from answering may have begun with the directory as it is.
    @Test func noAnswerIsNoQuiet() {
        var decision = lost()
        for tick in 0..<(5 * 2_000) {
            let answer = tick % 250 == 0 ? TaskAnswer.busy : .paused
            #expect(
                decision.next(
                    look(Double(tick) / 5, answer, .frozen, .workDirectory(state: "d", age: .zero))) != .resume)
        }
    }

    @Test(
        arguments: [
            (nil, 60.0), ((0, 0), 5), ((1_000_000_000, 0), 15), ((0, 100_000_000), 10), ((UInt64.max, UInt64.max), 900),
        ] as [((UInt64, UInt64)?, Double)])
    func quietBySize(_ line: ((memory: UInt64, layer: UInt64)?, Double)) {
        let estimate = line.0.map {
            SizeEstimate(memory: $0.memory, swap: 0, writableLayer: $0.layer, log: 0, charges: [])
        }
        #expect(DumpActivity.quiet(for: estimate) == .seconds(line.1))
    }
}
