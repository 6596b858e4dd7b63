// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("When a status cannot be reported")
struct StatusFailureTests {
    @Test(
        "The first try is against the Node as it was known, four more against the Node as it is, then there is a pause")
    func fiveTries() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        #expect(run.next().word == "patch")
        run.fail(.connectionLost)
        var words: [String] = []
        for _ in 0..<20 {
            let step = run.next()
            if step.word == "wait" { break }
            words.append(step.word)
            if step == .get { run.take(.node(run.server)) } else { run.fail(.connectionLost) }
        }
        #expect(words == ["get", "patch", "get", "patch", "get", "patch", "get", "patch"])
        #expect(run.pause() == .milliseconds(750))
        #expect(run.machine.problem == "test: connection_lost")
        #expect(run.serveAllAfterPause() == ["get", "patch"])
        #expect(run.machine.problem == nil)
    }

    @Test("After a pause one failure is enough for the next one")
    func pauses() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        var pauses: [Duration] = []
        while pauses.count < 7 {
            if let pause = run.pause() {
                pauses.append(pause)
                run.watch.now += pause
            }
            run.fail(.connect)
        }
        #expect(pauses == [750, 1_500, 3_000, 6_000, 12_000, 15_000, 15_000].map { .milliseconds($0) })
    }

    @Test("A conflict is answered with the Node as it is")
    func conflict() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        _ = run.next()
        run.fail(.conflict)
        #expect(run.serveAll() == ["get", "patch"])
    }

    @Test("A server that has too much to do gets its time, and then the same patch")
    func overload() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        let patch = run.next().patched
        run.fail(.serverError)
        #expect(run.pause() == .milliseconds(750))
        #expect(run.skip().patched?.condition("DiskPressure")?["status"] == "True")
        #expect(patch?.condition("DiskPressure")?["status"] == "True")
        run.fail(.tooManyRequests, retryAfter: .seconds(2))
        #expect(run.pause() == .seconds(3))
    }

    @Test("After 504 it is unknown what was written: first look")
    func serverTimeout() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        _ = run.next()
        run.fail(.serverTimeout)
        #expect(run.pause() == .milliseconds(750))
        #expect(run.skip() == .get)
    }

    @Test(
        "What the server refuses is tried ever more slowly",
        arguments: [HeartbeatResult.forbidden, .unauthorized, .invalid])
    func refused(_ cause: HeartbeatResult) {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue) }
        var pauses: [Duration] = []
        for _ in 0..<5 {
            #expect(run.skip().word == "patch")
            run.fail(cause)
            pauses.append(run.pause() ?? .zero)
            #expect(run.skip() == .get)
            run.take(.node(run.server))
        }
        #expect(pauses == [15, 30, 60, 90, 90].map { .seconds($0) })
    }

    @Test("A wall clock that jumps changes times and nothing else", arguments: [-1_000_000, 1_000_000])
    func clockJump(_ seconds: Int64) {
        var run = registered()
        run.watch.offset = seconds
        #expect(run.pause() == .seconds(300))
        #expect(run.serveAll() == [])
        _ = run.skip()
        #expect(run.serveAll() == ["patch"])
        #expect(run.server?.condition("Ready")?["lastHeartbeatTime"]?.text == run.watch.date.rfc3339)
        #expect(run.server?.condition("Ready")?["lastTransitionTime"]?.text == start.rfc3339)
    }
}

extension StatusRun {
    fileprivate mutating func serveAllAfterPause() -> [String] {
        watch.now += pause() ?? .zero
        return serveAll()
    }
}
