// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

/// As a kubelet makes its own.
private func kubeletLease(renewed: String = "2026-11-21T00:49:02.164360Z") -> JSONValue {
    [
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": ["name": "node1", "namespace": "kube-node-lease", "resourceVersion": "5", "uid": "k"],
        "spec": ["holderIdentity": "node1", "leaseDurationSeconds": 40, "renewTime": .string(renewed)],
    ]
}

private func otherLease(renewed: Timestamp = start) -> JSONValue {
    var other = settings()
    other.installation = "i-2"
    return NodeLease.new(other, ownerUID: "node-uid", date: renewed)
}

@Suite("Whose lease it is")
struct LeaseOwnershipTests {
    @Test("A kubelet's lease is never written; that nobody renews it is said, with what to do")
    func kubeletsLease() throws {
        var run = LeaseRun()
        for _ in 0..<100 {
            #expect(run.skip() == .get)
            run.take(.lease(kubeletLease()))
            #expect(run.pause() == .seconds(10))
        }
        let problem = try #require(run.machine.problem)
        #expect(problem.contains("\"node1\""))
        #expect(problem.contains("kubectl -n kube-node-lease delete lease node1"))
    }

    @Test("Once it is deleted, ours is made")
    func deletedAtLast() {
        var run = LeaseRun()
        run.take(.lease(kubeletLease()))
        #expect(run.skip() == .get)
        run.take(.lease(nil))
        #expect(run.next() == .findNode)
    }

    @Test("One that is being renewed by somebody else stops us for good")
    func livingKubelet() {
        var run = LeaseRun()
        run.take(.lease(kubeletLease()))
        #expect(run.skip() == .get)
        run.take(.lease(kubeletLease(renewed: "2026-11-21T00:49:12.251948Z")))
        #expect(run.next().word == "stop")
        run.watch.now += .seconds(1_000)
        #expect(run.next().word == "stop")
    }

    @Test("A lease that was ours and is another holder's was taken over: stop")
    func takenOver() throws {
        var run = LeaseRun()
        _ = run.makeLease()
        _ = run.skip()
        run.take(.failed(failure(.conflict)))
        run.take(.lease(kubeletLease()))
        guard case .stop(let reason) = run.next() else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("taken over by \"node1\""))
        #expect(run.machine.problem == reason)
    }

    @Test("A kubelet that is started beside us renews our lease as it is: stop")
    func renewedByKubelet() throws {
        var run = LeaseRun()
        let leaseAsked = run.makeLease()
        var lease = try #require(leaseAsked)
        #expect(run.skip().word == "update")
        run.take(.failed(failure(.conflict)))
        lease["spec", "renewTime"] = "2026-11-21T00:48:58.500000Z"
        lease["metadata", "resourceVersion"] = "9"
        run.take(.lease(lease))
        guard case .stop(let reason) = run.next() else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("somebody else renews the lease kube-node-lease/node1"))
    }

    @Test("A renewal of ours whose answer was lost is no somebody else")
    func lostAnswer() throws {
        var run = LeaseRun()
        _ = run.makeLease()
        let storedAsked = run.skip().written
        var stored = try #require(storedAsked)
        run.take(.failed(failure(.timeout)))
        #expect(run.next().word == "update")
        run.take(.failed(failure(.conflict)))
        stored["metadata", "resourceVersion"] = "2"
        #expect(run.next() == .get)
        run.take(.lease(stored))
        #expect(run.next().word == "update")
    }

    @Test("After a restart our own lease is ours, and a kubelet that renewed it meanwhile is found out")
    func restart() {
        var own = NodeLease.new(settings(), ownerUID: "u", date: start)
        var run = LeaseRun()
        run.take(.lease(own))
        #expect(run.next().word == "update")
        own["spec", "renewTime"] = "2026-11-21T00:49:12.251948Z"
        var second = LeaseRun()
        second.take(.lease(own))
        #expect(second.next().word == "stop")
    }

    @Test("A time that another client writes with other digits is the same time")
    func otherDigits() {
        var lease = NodeLease.new(settings(), ownerUID: nil, date: start)
        lease["spec", "renewTime"] = "2026-11-21T00:48:52.000000000Z"
        #expect(Ownership.claim(on: lease, settings()) == .ours)
        lease["spec", "renewTime"] = nil
        #expect(Ownership.claim(on: lease, settings()) == .ours)
    }

    @Test("Another installation's dead lease is taken over when it has expired before our eyes, a living one never")
    func otherInstallation() {
        var run = LeaseRun()
        run.take(.lease(otherLease()))
        var polls = 0
        while polls < 20 {
            let step = run.skip()
            if step.word == "update" {
                #expect(run.watch.now > .seconds(1_040))
                #expect(step.written?["spec", "holderIdentity"] == "node1_i-1")
                break
            }
            run.take(.lease(otherLease()))
            polls += 1
        }
        #expect(polls < 20)
        var second = LeaseRun()
        second.take(.lease(otherLease()))
        _ = second.skip()
        second.take(.lease(otherLease(renewed: Timestamp(seconds: start.seconds + 10))))
        #expect(second.next().word == "stop")
    }

    @Test("Control characters and length of another holder's name do no harm")
    func hostileHolder() throws {
        var lease = kubeletLease()
        lease["spec", "holderIdentity"] = .string("\u{1b}[31m\n" + String(repeating: "x", count: 10_000))
        var run = LeaseRun()
        run.take(.lease(lease))
        let problem = try #require(run.machine.problem)
        #expect(problem.utf8.count < 500)
        #expect(problem.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }
}

@Suite("Whose Node it is")
struct NodeOwnershipTests {
    @Test("Ours is the one with our mark and without room for pods")
    func ours() {
        let node = document().node(date: start)
        #expect(Ownership.problem(of: node, settings()) == nil)
    }

    @Test("A kubelet's, another installation's and anybody's are not")
    func others() throws {
        var kubelet = document().node(date: start)
        kubelet["metadata", "annotations"] = nil
        #expect(Ownership.problem(of: kubelet, settings())?.contains("belongs to a kubelet (v1.36.2)") == true)

        var other = document().node(date: start)
        other["metadata", "annotations", Ownership.installationKey] = "i-2"
        #expect(Ownership.problem(of: other, settings())?.contains("another installation of nodekeep (i-2") == true)

        let bare: JSONValue = ["metadata": ["name": "node1"]]
        let problem = try #require(Ownership.problem(of: bare, settings()))
        #expect(problem.contains("made by somebody else"))
        #expect(problem.contains("kubectl annotate node node1 nodekeep.dev/installation=i-1"))

        var shared = document().node(date: start)
        shared["status", "capacity", "pods"] = "110"
        #expect(Ownership.problem(of: shared, settings())?.contains("pods: 110") == true)
    }
}
