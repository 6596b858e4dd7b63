// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("When a status is reported")
struct StatusReportTests {
    @Test(
        "At rest once in five minutes; by up to half earlier or later after a change, on time after that",
        arguments: [0, 0.5, 0.999])
    func periodic(chance: Double) {
        var run = registered(random: { chance })
        #expect(run.pause() == .seconds(300) + .seconds(300) * (chance - 0.5))
        #expect(run.skip().word == "patch")
        run.serve()
        #expect(run.pause() == .seconds(300))
        run.watch.now += .seconds(300)
        let heartbeat = run.watch.date.rfc3339
        #expect(run.serveAll() == ["patch"])
        #expect(run.server?.condition("Ready")?["lastHeartbeatTime"]?.text == heartbeat)
        #expect(run.pause() == .seconds(300))
    }

    @Test("A change is reported at once, and the period begins anew")
    func change() {
        var run = registered()
        run.watch.now += .seconds(100)
        run.offer { $0.set(.memoryPressure, .isTrue) }
        #expect(run.serveAll() == ["patch"])
        #expect(run.server?.condition("MemoryPressure")?["status"] == "True")
        #expect(run.pause() == .seconds(300))
    }

    @Test("Times of the report that move and images are no change")
    func noChange() {
        var run = registered()
        run.offer { node in
            node.status.images = nil
            for index in 0..<4 { node.status.conditions?[index].lastHeartbeatTime = Timestamp(seconds: 0) }
        }
        #expect(run.serveAll() == [])
        #expect(run.pause() == .seconds(300))
        #expect(run.skip().patched?["status", "images"] == .null)
    }

    @Test("A status that keeps changing is written six times at once, and then as often as a kubelet looks")
    func flapping() {
        var run = registered()
        var times: [Duration] = []
        let begin = run.watch.now
        for index in 0..<200 {
            run.offer { $0.set(.ready, .isFalse, message: "\(index)") }
            if run.serveAll() == ["patch"] { times.append(run.watch.now - begin) }
            run.watch.now += .seconds(1)
        }
        #expect(Array(times.prefix(6)) == [0, 1, 2, 3, 4, 5].map { Duration.seconds($0) })
        #expect(times.count <= 6 + 20)
        #expect(times.count >= 20)
        // What was said last is what is written in the end.
        run.watch.now += .seconds(10)
        _ = run.serveAll()
        #expect(run.server?.condition("Ready")?["message"] == "199")
    }

    @Test("A machine that is about to be switched off is reported whatever there was before")
    func urgent() {
        var run = registered()
        for index in 0..<10 {
            run.offer { $0.set(.ready, .isTrue, message: "\(index)") }
            _ = run.serveAll()
        }
        run.offer { $0.set(.ready, .isTrue, message: "last") }
        #expect(run.serveAll() == [])
        run.offer(isUrgent: true, shutdown: run.watch.date)
        #expect(run.serveAll() == ["patch"])
        #expect(run.server?.condition("Ready")?["message"] == "node is shutting down")
    }

    @Test("Shutdown does not wait for a pause that a failure has made")
    func urgentAfterFailure() {
        var run = registered()
        run.offer { $0.set(.ready, .isTrue, message: "x") }
        _ = run.next()
        run.fail(.tooManyRequests, retryAfter: .seconds(30))
        #expect(run.pause() == .seconds(45))
        run.offer(isUrgent: true, shutdown: run.watch.date)
        #expect(run.serveAll() == ["patch"])
    }

    @Test("What another has written is set right with the next report, in one patch more")
    func corrected() {
        var run = registered()
        run.server?["status", "nodeInfo", "kernelVersion"] = "another"
        run.offer { $0.set(.diskPressure, .isTrue) }
        #expect(run.serveAll() == ["patch", "patch"])
        #expect(run.server?["status", "nodeInfo", "kernelVersion"] == "6.18.44-fc-v657")
    }

    @Test("A server that leaves out a part of every patch is not sent it for ever")
    func ineffective() {
        var run = registered()
        run.offer { $0.metadata.labels?["refused"] = "yes" }
        var patches = 0
        while case .patch(let patch) = run.next(), patches < 50 {
            var kept = patch
            kept["metadata"] = nil
            run.server = StrategicMerge.apply(kept, to: run.server ?? [:])
            run.take(.node(run.server))
            patches += 1
        }
        #expect(patches == 1)
        // Something else is sent all the same.
        run.offer { node in
            node.metadata.labels?["refused"] = "yes"
            node.set(.diskPressure, .isTrue)
        }
        #expect(run.next().patched?.condition("DiskPressure")?["status"] == "True")
    }

    @Test("After the lease was late the Node is looked at within an update period, and set right")
    func verified() {
        var run = registered()
        run.server?.giveUp()
        run.machine.verify(now: run.watch.now)
        #expect(run.pause() == .seconds(5))
        #expect(run.skip().word == "get")
        #expect(run.serveAll() == ["get", "patch"])
        #expect(run.server?.condition("Ready")?["status"] == "True")
        #expect(
            run.machine.takeNews().contains(
                .flipped(
                    type: "Ready", from: "Unknown", to: .isTrue, message: "kubelet is posting ready status")))
    }

    @Test("A Node that is found as it should be costs no patch")
    func verifiedGood() {
        var run = registered()
        let before = run.machine.confirmations
        run.machine.verify(now: run.watch.now)
        _ = run.skip()
        #expect(run.serveAll() == ["get"])
        #expect(run.machine.confirmations == before + 1)
        #expect(run.machine.isSettled)
    }

    @Test("Flips are told, the first status only where it is bad")
    func news() {
        var run = registered()
        run.offer { $0.set(.diskPressure, .isTrue, message: "full") }
        _ = run.serveAll()
        #expect(
            run.machine.takeNews() == [
                .flipped(type: "DiskPressure", from: "False", to: .isTrue, message: "full")
            ])
        var companion = StatusRun(.companion)
        companion.beRegistered()
        companion.server?["status", "conditions"] = []
        companion.offer { $0.set(.memoryPressure, .isTrue) }
        _ = companion.serveAll()
        #expect(
            companion.machine.takeNews() == [
                .flipped(type: "nodekeep.dev/MemoryPressure", from: nil, to: .isTrue, message: "changed")
            ])
    }

    @Test("A companion neither makes the Node nor minds whose it is")
    func companion() {
        var run = StatusRun(.companion)
        run.offer()
        #expect(run.serve() == "get")
        #expect(run.pause() == .seconds(10) * 1.02)
        let with = registered(role: .companion)
        #expect(with.server?.condition("nodekeep.dev/DiskPressure")?["status"] == "False")
        #expect(with.server?["metadata", "annotations"] == nil)
        #expect(with.machine.problem == nil)
    }

    @Test("The Node of a companion's that vanishes is waited for")
    func companionsNodeVanishes() {
        var run = registered(role: .companion)
        run.server = nil
        run.offer { $0.set(.diskPressure, .isTrue) }
        #expect(run.serveAll() == ["patch", "get"])
        #expect(run.machine.problem == "there is no Node node1")
    }
}
