// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("The lease's algorithm")
struct LeaseMachineTests {
    @Test("A lease that is not there is made as the kubelet makes it, with our marks")
    func create() throws {
        var run = LeaseRun()
        #expect(run.next() == .get)
        run.take(.lease(nil))
        #expect(run.next() == .findNode)
        run.take(.node(uid: "node-uid"))
        let leaseAsked = run.next().written
        let lease = try #require(leaseAsked)
        #expect(
            lease == [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": [
                    "name": "node1", "namespace": "kube-node-lease",
                    "annotations": [
                        "nodekeep.dev/installation": "i-1", "nodekeep.dev/renewed": "2026-11-21T00:48:52.000000Z",
                    ],
                    "ownerReferences": [["apiVersion": "v1", "kind": "Node", "name": "node1", "uid": "node-uid"]],
                ],
                "spec": [
                    "holderIdentity": "node1_i-1", "leaseDurationSeconds": 40,
                    "renewTime": "2026-11-21T00:48:52.000000Z",
                ],
            ])
    }

    @Test(
        "It is renewed a quarter of its duration and up to 4 % after the end of the last time", arguments: [0, 0.999])
    func cadence(chance: Double) throws {
        var run = LeaseRun(random: { chance })
        _ = run.makeLease()
        let firstAsked = run.pause()
        let first = try #require(firstAsked)
        #expect(first == .seconds(10) * (1 + 0.04 * chance))
        run.watch.now += first
        #expect(run.next().word == "update")
        // The call takes three seconds: the next one is counted from its end.
        run.watch.now += .seconds(3)
        run.store(version: "2")
        #expect(run.pause() == first)
    }

    @Test("A renewal changes what is ours and keeps what others have added")
    func keepsOthers() throws {
        var run = LeaseRun()
        _ = run.skip()
        run.take(.lease(nil))
        run.take(.node(uid: "node-uid"))
        run.store(version: "7") { lease in
            lease["metadata", "labels", "team"] = "blue"
            lease["metadata", "managedFields"] = [["manager": "x"]]
            lease["spec", "strategy"] = "OldestEmulationVersion"
        }
        run.watch.now += .seconds(10)
        let leaseAsked = run.next().written
        let lease = try #require(leaseAsked)
        #expect(lease["metadata", "resourceVersion"] == "7")
        #expect(lease["metadata", "uid"] == "lease-uid")
        #expect(lease["metadata", "labels", "team"] == "blue")
        #expect(lease["spec", "strategy"] == "OldestEmulationVersion")
        #expect(lease["metadata", "managedFields"] == nil)
        #expect(lease["spec", "renewTime"] == "2026-11-21T00:49:02.000000Z")
        #expect(lease["metadata", "annotations", "nodekeep.dev/renewed"] == "2026-11-21T00:49:02.000000Z")
    }

    @Test("Without a Node there is no lease, until it appears")
    func noNode() throws {
        var run = LeaseRun()
        run.take(.lease(nil))
        run.take(.node(uid: nil))
        #expect(run.pause() == .seconds(10))
        #expect(run.machine.problem?.contains("not registered") == true)
        run.watch.now += .seconds(2)
        run.machine.nodeAppeared(uid: "node-uid", now: run.watch.now)
        #expect(run.next() == .get)
        run.take(.lease(nil))
        #expect(run.next().written?["metadata", "ownerReferences"]?.elements?.first?["uid"] == "node-uid")
    }

    @Test("When the Node was registered anew the lease gets it for its owner; others' references stay")
    func newOwner() throws {
        var run = LeaseRun()
        _ = run.skip()
        run.take(.lease(nil))
        run.take(.node(uid: "old"))
        run.store { lease in
            let other: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "c"]
            let owners = lease["metadata", "ownerReferences"]?.elements ?? []
            lease["metadata", "ownerReferences"] = .array([other] + owners)
        }
        run.machine.nodeAppeared(uid: "new", now: run.watch.now)
        let owners = run.skip().written?["metadata", "ownerReferences"]?.elements
        #expect(owners?.map { $0["uid"]?.text } == ["c", "new"])
    }

    @Test("One without an owner gets one")
    func adoptsOwner() throws {
        var run = LeaseRun()
        let lease = NodeLease.new(settings(), ownerUID: nil, date: start)
        run.take(.lease(lease))
        #expect(run.next() == .findNode)
        run.take(.node(uid: "node-uid"))
        let step = run.next()
        #expect(step.word == "update")
        #expect(step.written?["metadata", "ownerReferences"]?.elements?.first?["uid"] == "node-uid")
    }

    @Test("In role none nobody owns it and nobody else is asked whose it is")
    func alone() throws {
        var run = LeaseRun(.none)
        run.take(.lease(nil))
        let step = run.next()
        #expect(step.word == "create")
        #expect(step.written?["metadata", "ownerReferences"] == nil)
        var other = NodeLease.new(settings(.none), ownerUID: nil, date: start)
        other["spec", "holderIdentity"] = "somebody"
        var second = LeaseRun(.none)
        second.take(.lease(other))
        #expect(second.next().written?["spec", "holderIdentity"] == "node1_i-1")
    }

    @Test("A companion's has a name and a namespace of its own")
    func companion() {
        var run = LeaseRun(.companion)
        run.take(.lease(nil))
        run.take(.node(uid: "node-uid"))
        let lease = run.next().written
        #expect(lease?["metadata", "name"] == "nodekeep-node1")
        #expect(lease?["metadata", "namespace"] == "nodekeep")
    }

    @Test(
        "A wall clock that jumps changes the times that are written and nothing else", arguments: [-100_000, 100_000])
    func clockJump(_ seconds: Int64) throws {
        var run = LeaseRun()
        _ = run.makeLease()
        run.watch.offset = seconds
        #expect(run.pause() == .seconds(10))
        let lease = run.store(version: "2")
        #expect(run.machine.problem == nil)
        #expect(lease?["spec", "renewTime"]?.text == run.watch.date.rfc3339Micro)
        #expect(run.pause() == .seconds(10))
        #expect(run.skip().word == "update")
    }

    @Test("Nodes that start together spread")
    func spread() {
        let watch = Watch()
        var late = LeaseMachine(settings(), now: watch.now, spread: .seconds(2), random: half)
        #expect(late.next(now: watch.now, date: watch.date) == .wait(until: watch.now + .seconds(1)))
        // That the Node was found makes nothing of it.
        late.nodeAppeared(uid: "node-uid", now: watch.now)
        #expect(late.next(now: watch.now, date: watch.date) == .wait(until: watch.now + .seconds(1)))
    }

    @Test("It is late when it was not renewed for as long as it lasts")
    func lateness() {
        let run = LeaseRun()
        #expect(!run.machine.isLate(lastSuccess: nil, now: .seconds(1_000)))
        #expect(!run.machine.isLate(lastSuccess: .seconds(0), now: .seconds(40)))
        #expect(run.machine.isLate(lastSuccess: .seconds(0), now: .seconds(41)))
    }
}
