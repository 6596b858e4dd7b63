// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("A lease that cannot be written")
struct LeaseFailureTests {
    @Test("A connection that breaks is tried five times at once, then the lease is read with growing pauses")
    func fiveTries() throws {
        var run = LeaseRun(random: half)
        _ = run.makeLease()
        #expect(run.skip().word == "update")
        for _ in 0..<4 {
            run.take(.failed(failure(.connect)))
            #expect(run.next().word == "update")
        }
        run.take(.failed(failure(.connect)))
        var pauses: [Duration] = []
        for _ in 0..<8 {
            let pause = run.pause()
            pauses.append(try #require(pause))
            #expect(run.skip() == .get)
            run.take(.failed(failure(.connect)))
        }
        // Three quarters of 200 ms, doubled up to 7 s.
        #expect(pauses == [150, 300, 600, 1_200, 2_400, 4_800, 5_250, 5_250].map { .milliseconds($0) })
        #expect(run.machine.failuresInRow == 13)
        #expect(run.machine.problem == "test: connect")
    }

    @Test("After an outage it is renewed at once, and the pauses begin anew")
    func recovery() throws {
        var run = LeaseRun(random: half)
        let lease = run.makeLease()
        for _ in 0..<30 {
            _ = run.skip()
            run.take(.failed(failure(.connect)))
        }
        #expect(run.skip() == .get)
        run.take(.lease(lease))
        #expect(run.next().word == "update")
        run.store(version: "9")
        #expect(run.machine.problem == nil)
        #expect(run.machine.failuresInRow == 0)
        #expect(run.pause() == .milliseconds(10_200))
        _ = run.skip()
        for _ in 0..<5 { run.take(.failed(failure(.connect))) }
        #expect(run.pause() == .milliseconds(150))
    }

    @Test("After a conflict the lease is read and renewed as it is now")
    func conflict() throws {
        var run = LeaseRun()
        let leaseAsked = run.makeLease()
        let lease = try #require(leaseAsked)
        #expect(run.skip().word == "update")
        run.take(.failed(failure(.conflict)))
        #expect(run.next() == .get)
        var other = lease
        other["metadata", "resourceVersion"] = "50"
        other["metadata", "labels", "a"] = "b"
        run.take(.lease(other))
        let updateAsked = run.next().written
        let update = try #require(updateAsked)
        #expect(update["metadata", "resourceVersion"] == "50")
        #expect(update["metadata", "labels", "a"] == "b")
    }

    @Test("Five conflicts are enough for one time")
    func endlessConflict() throws {
        var run = LeaseRun()
        let lease = run.makeLease()
        _ = run.skip()
        for _ in 0..<4 {
            run.take(.failed(failure(.conflict)))
            #expect(run.next() == .get)
            run.take(.lease(lease))
            #expect(run.next().word == "update")
        }
        run.take(.failed(failure(.conflict)))
        #expect(run.pause() == .seconds(10))
        #expect(run.skip() == .get)
    }

    @Test("A lease that was deleted is made again", arguments: [HeartbeatResult.notFound, .gone, .conflict])
    func deleted(_ cause: HeartbeatResult) throws {
        var run = LeaseRun()
        _ = run.makeLease()
        _ = run.skip()
        run.take(.failed(failure(cause)))
        #expect(run.next() == .get)
        run.take(.lease(nil))
        // It goes with its Node, which may be another one by now.
        #expect(run.next() == .findNode)
        run.take(.node(uid: "another"))
        let step = run.next()
        #expect(step.word == "create")
        #expect(step.written?["metadata", "uid"] == nil)
        #expect(step.written?["metadata", "resourceVersion"] == nil)
    }

    @Test("Where the namespace is missing it is tried slowly")
    func noNamespace() throws {
        var run = LeaseRun(random: half)
        run.take(.lease(nil))
        run.take(.node(uid: "node-uid"))
        #expect(run.next().word == "create")
        run.take(.failed(failure(.notFound)))
        #expect(run.pause() == .seconds(15))
        #expect(run.skip() == .get)
        run.take(.lease(nil))
        // The Node may be another one by now.
        #expect(run.next() == .findNode)
    }

    @Test("One that somebody made at the same moment is looked at")
    func madeMeanwhile() throws {
        var run = LeaseRun()
        run.take(.lease(nil))
        run.take(.node(uid: "node-uid"))
        _ = run.next()
        run.take(.failed(failure(.conflict)))
        #expect(run.next() == .get)
    }

    @Test("A server that says both that there is a lease and that there is none does not keep us busy")
    func contradiction() {
        var run = LeaseRun()
        run.take(.lease(nil))
        run.take(.node(uid: "node-uid"))
        var calls = 0
        while calls < 1_000 {
            switch run.next() {
            case .get: run.take(.lease(nil))
            case .create: run.take(.failed(failure(.conflict)))
            default:
                #expect(calls < 12)
                return
            }
            calls += 1
        }
        Issue.record("it never rests")
    }

    @Test("429 is waited for as long as the server says, and longer by chance; the request is sent again as it was")
    func tooManyRequests() throws {
        var run = LeaseRun(random: half)
        _ = run.makeLease()
        _ = run.skip()
        run.take(.failed(failure(.tooManyRequests, retryAfter: .seconds(4))))
        #expect(run.pause() == .seconds(6))
        #expect(run.skip().word == "update")
        // What stands before the server may ask for a day.
        run.take(.failed(failure(.tooManyRequests, retryAfter: .seconds(3_600))))
        #expect(run.pause() == .seconds(90))
    }

    @Test("A server that has too much to do is not asked five times at once")
    func serverError() throws {
        var run = LeaseRun(random: half)
        _ = run.makeLease()
        _ = run.skip()
        run.take(.failed(failure(.serverError)))
        #expect(run.pause() == .milliseconds(150))
        #expect(run.skip().word == "update")
        run.take(.failed(failure(.malformedAnswer)))
        #expect(run.pause() == .milliseconds(300))
    }

    @Test("After 504 it is unknown what was written: first look")
    func serverTimeout() throws {
        var run = LeaseRun()
        _ = run.makeLease()
        _ = run.skip()
        run.take(.failed(failure(.serverTimeout)))
        #expect(run.pause() == .milliseconds(100))
        #expect(run.skip() == .get)
    }

    @Test(
        "What fails until somebody has changed something is tried slowly, and not the same again",
        arguments: [HeartbeatResult.unauthorized, .forbidden, .invalid])
    func slowly(_ cause: HeartbeatResult) throws {
        var run = LeaseRun(random: half)
        let lease = run.makeLease()
        _ = run.skip()
        var pauses: [Duration] = []
        for _ in 0..<4 {
            run.take(.failed(failure(cause)))
            let pause = run.pause()
            pauses.append(try #require(pause))
            #expect(run.skip() == .get)
            run.take(.lease(lease))
            #expect(run.next().word == "update")
        }
        #expect(pauses == [15, 30, 45, 45].map { .seconds($0) })
    }
}
