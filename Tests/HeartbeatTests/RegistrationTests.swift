// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("Registration")
struct RegistrationTests {
    @Test("Nothing is done before the node is known")
    func nothingYet() {
        var run = StatusRun()
        #expect(run.next() == .wait(until: nil))
    }

    @Test("A Node that is not there is made")
    func register() {
        var run = StatusRun()
        run.offer()
        #expect(run.serveAll() == ["get", "create"])
        #expect(run.machine.nodeUID == "node-uid")
        #expect(run.machine.takeNews() == [.registered])
        #expect(run.machine.takeNews().isEmpty)
        #expect(run.machine.problem == nil)
    }

    @Test("One that is there and ours is brought up to date with one patch")
    func reconcile() {
        var run = StatusRun()
        run.beRegistered()
        run.server?["metadata", "labels", "kubernetes.io/hostname"] = "old"
        run.offer { $0.status.capacity?["cpu"] = Quantity(count: 8) }
        #expect(run.serveAll() == ["get", "patch"])
        #expect(run.server?["status", "capacity", "cpu"] == "8")
        #expect(run.server?["metadata", "labels", "kubernetes.io/hostname"] == "node1")
        #expect(run.machine.takeNews().isEmpty)
    }

    @Test("One that was made at the same moment is looked at")
    func alreadyExists() {
        var run = StatusRun()
        run.offer()
        run.serve()
        #expect(run.next().word == "create")
        run.fail(.conflict)
        run.beRegistered()
        #expect(run.serveAll() == ["get", "patch"])
    }

    @Test("A server that says both that there is one and that there is none does not keep us busy")
    func contradiction() {
        var run = StatusRun()
        run.offer()
        var calls = 0
        while calls < 100 {
            switch run.next() {
            case .get: run.take(.node(nil))
            case .create: run.fail(.conflict)
            default:
                #expect(calls <= 10)
                return
            }
            calls += 1
        }
        Issue.record("it never rests")
    }

    @Test("Where it may not be made, it is looked for again, slowly, and the reason is said")
    func forbidden() {
        var run = StatusRun()
        run.offer()
        run.serve()
        _ = run.next()
        run.fail(.forbidden)
        #expect(run.machine.problem == "test: forbidden")
        #expect(run.pause() == .seconds(15))
        run.beRegistered()
        #expect(run.skip().word == "get")
        #expect(run.serveAll() == ["get", "patch"])
    }

    @Test("A server that is not there is tried five times at once, then ever more slowly up to 7 s")
    func outage() {
        var run = StatusRun()
        run.offer()
        for _ in 0..<5 {
            #expect(run.next() == .get)
            run.fail(.connect)
        }
        var pauses: [Duration] = []
        for _ in 0..<8 {
            pauses.append(run.pause() ?? .zero)
            #expect(run.skip() == .get)
            run.fail(.connect)
        }
        #expect(pauses == [150, 300, 600, 1_200, 2_400, 4_800, 5_250, 5_250].map { .milliseconds($0) })
    }

    @Test("A Node that was deleted is registered again at once")
    func deleted() {
        var run = StatusRun()
        run.offer()
        _ = run.serveAll()
        _ = run.machine.takeNews()
        run.server = nil
        run.offer { $0.set(.diskPressure, .isTrue) }
        #expect(run.serveAll() == ["patch", "get", "create"])
        #expect(run.machine.takeNews() == [.deleted, .registered])
        #expect(run.server?.condition("DiskPressure")?["status"] == "True")
    }

    @Test("With registerNode: false it is waited for")
    func waitsForNode() {
        var run = StatusRun(.node, random: half) { $0.registersNode = false }
        run.offer()
        #expect(run.serve() == "get")
        #expect(run.pause() == .seconds(10) * 1.02)
        #expect(run.machine.problem == "there is no Node node1")
        run.beRegistered()
        #expect(run.skip().word == "get")
        #expect(run.serveAll() == ["get", "patch"])
    }

    @Test("Somebody else's Node is not touched: stop", arguments: ["kubelet", "hand", "other"])
    func foreign(_ owner: String) {
        var run = StatusRun()
        run.beRegistered()
        switch owner {
        case "kubelet": run.server?["metadata", "annotations"] = nil
        case "hand": run.server = ["metadata": ["name": "node1", "uid": "u"]]
        default: run.server?["metadata", "annotations", Ownership.installationKey] = "i-2"
        }
        run.offer()
        #expect(run.serveAll() == ["get"])
        #expect(run.next().word == "stop")
        run.watch.now += .seconds(100_000)
        run.offer { $0.set(.ready, .isFalse) }
        #expect(run.next().word == "stop")
    }

    @Test("A kubelet that is started beside us writes its own status over ours: stop")
    func kubeletBeside() {
        var run = StatusRun()
        run.offer()
        _ = run.serveAll()
        run.server?["status", "capacity", "pods"] = "110"
        run.offer { $0.set(.diskPressure, .isTrue) }
        #expect(run.serveAll() == ["patch"])
        #expect(run.next().word == "stop")
    }

    @Test("A machine that was started again since says so once")
    func rebooted() {
        var run = StatusRun()
        run.beRegistered()
        run.offer { $0.status.nodeInfo.bootID = "another" }
        _ = run.serveAll()
        #expect(run.machine.takeNews() == [.rebooted(bootID: "another")])
        run.offer { $0.status.nodeInfo.bootID = "a third" }
        _ = run.serveAll()
        #expect(run.machine.takeNews().isEmpty)
    }
}
