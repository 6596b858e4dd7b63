// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Synchronization
import Testing

@testable import Heartbeat

@Suite("The heartbeat as it runs", .timeLimit(.minutes(2)))
struct HeartbeatRunTests {
    @Test("Role none: lease and status in files, the lease every ten seconds")
    func files() async {
        let bed = Bed(.none)
        bed.run()
        #expect(await bed.clock.passes(.seconds(5)) { bed.view.written != nil && bed.view.status.lastSuccess != nil })
        #expect(bed.files.state.withLock { $0.nodes.count } == 1)
        let before = bed.view.renewals
        await bed.clock.pass(.seconds(103))
        let renewals = bed.view.renewals - before
        #expect((9...10).contains(renewals))
        #expect(bed.files.state.withLock { $0.nodes.count } == 1)
        let view = bed.view
        #expect(view.lease.problem == nil)
        #expect(view.renewals == view.lease.attempts - 1)
        #expect(view.lease.latency.count == view.lease.attempts)
        await bed.stop()
    }

    @Test("A full disk is said, and over when there is room again")
    func fullDisk() async {
        let bed = Bed(.none)
        bed.files.state.withLock { $0.failure = failure(.disk) }
        bed.run()
        #expect(
            await bed.clock.passes(.seconds(5)) {
                bed.view.lease.problem == "test: disk" && bed.view.status.problem == "test: disk"
            })
        bed.files.state.withLock { $0.failure = nil }
        #expect(
            await bed.clock.passes(.seconds(60)) {
                bed.view.lease.problem == nil && bed.view.status.problem == nil && bed.view.written != nil
            })
        #expect((bed.view.lease.results[.disk] ?? 0) > 0)
        await bed.stop()
    }

    @Test("Role node: Node, lease with its owner and an event, and at rest nothing but the lease")
    func node() async throws {
        let bed = Bed()
        bed.run()
        #expect(
            await bed.clock.passes(.seconds(20)) {
                bed.view.renewals > 0 && bed.view.nodeUID != nil && bed.cluster.events.count == 1
            })
        let lease = try #require(bed.cluster.lease)
        #expect(lease["metadata", "ownerReferences"]?.elements?.first?["uid"]?.text == bed.view.nodeUID)
        #expect(bed.cluster.node?["spec", "taints"]?.elements?.count == 1)
        #expect(bed.cluster.events.first?["reason"] == "Starting")
        #expect(bed.cluster.events.first?["involvedObject", "uid"]?.text == bed.view.nodeUID)
        let before = bed.cluster.calls.count
        await bed.clock.pass(.seconds(60))
        let calls = bed.cluster.calls.dropFirst(before)
        #expect(Set(calls) == ["lease.update"])
        #expect((5...6).contains(calls.count))
        await bed.stop()
    }

    @Test("A change of the node is in the cluster before the clock has moved, with its event")
    func change() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.status.lastSuccess != nil })
        bed.heartbeat.statusChanged(nodeObject { $0.set(.diskPressure, .isTrue) })
        #expect(
            await bed.clock.passes(.zero) { bed.cluster.node?.condition("DiskPressure")?["status"] == "True" })
        #expect(
            await bed.clock.passes(.seconds(5)) {
                bed.cluster.events.contains { $0["reason"] == "NodeHasDiskPressure" }
            })
        await bed.stop()
    }

    @Test("The machine is about to be switched off: both edges are written at once")
    func shutdown() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.status.lastSuccess != nil })
        #expect(await bed.heartbeat.prepareForShutdown(true, within: .seconds(3)))
        #expect(bed.cluster.node?.condition("Ready")?["status"] == "False")
        #expect(bed.cluster.node?.condition("Ready")?["reason"] == "KubeletNotReady")
        #expect(bed.cluster.node?.condition("Ready")?["message"] == "node is shutting down")
        // Leases go on.
        let before = bed.view.renewals
        #expect(await bed.clock.passes(.seconds(30)) { bed.view.renewals > before })
        #expect(await bed.heartbeat.prepareForShutdown(false, within: .seconds(3)))
        #expect(bed.cluster.node?.condition("Ready")?["status"] == "True")
        #expect(await bed.clock.passes(.seconds(5)) { bed.cluster.events.contains { $0["reason"] == "Shutdown" } })
        await bed.stop()
    }

    @Test("What the tracker has said before is said: shutdown does not wait for another report")
    func shutdownNoticedBefore() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.status.lastSuccess != nil })
        bed.heartbeat.statusChanged(
            nodeObject { node in
                node.set(.ready, .isFalse, message: "node is shutting down")
                node.status.conditions?[3].reason = "KubeletNotReady"
            })
        #expect(await bed.clock.passes(.zero) { bed.cluster.node?.condition("Ready")?["status"] == "False" })
        #expect(await bed.heartbeat.prepareForShutdown(true, within: .seconds(3)))
        await bed.stop()
    }

    @Test("An API server that does not answer is no reason to wait for longer than that")
    func shutdownInOutage() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.status.lastSuccess != nil })
        bed.cluster.change { $0.outage = failure(.connect) }
        let answer = Box<Bool?>(nil)
        let shutdown = Task {
            answer.set(await bed.heartbeat.prepareForShutdown(true, within: .seconds(3)))
        }
        #expect(await bed.clock.passes(.seconds(30)) { answer.value == false })
        await shutdown.value
        await bed.stop()
    }

    @Test("A stuck loop of the agent stops lease and status; hung sources and disks stop nothing")
    func stuck() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 })
        bed.stuck.set("collector")
        #expect(await bed.clock.passes(.seconds(15)) { bed.view.heldBack == "collector" })
        let before = bed.cluster.calls.count
        bed.heartbeat.statusChanged(nodeObject { $0.set(.diskPressure, .isTrue) })
        await bed.clock.pass(.seconds(400))
        #expect(bed.cluster.calls.count == before)
        bed.stuck.set(nil)
        #expect(
            await bed.clock.passes(.seconds(15)) {
                bed.view.heldBack == nil && bed.cluster.node?.condition("DiskPressure")?["status"] == "True"
                    && bed.cluster.calls.dropFirst(before).contains("lease.update")
            })
        await bed.stop()
    }

    @Test("An hour without an API server: it is said once in each place, and over within ten seconds")
    func outage() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.status.lastSuccess != nil })
        bed.cluster.change { $0.outage = failure(.connect) }
        // The control plane gives the node up meanwhile.
        bed.cluster.change { $0.node?.giveUp() }
        await bed.clock.pass(.seconds(600))
        #expect(bed.view.lease.problem == "test: connect")
        #expect(bed.cluster.state.withLock { $0.connections } > 10)
        let renewals = bed.view.renewals
        bed.cluster.change { $0.outage = nil }
        #expect(await bed.clock.passes(.seconds(7)) { bed.view.renewals > renewals })
        #expect(bed.view.lease.problem == nil)
        #expect(
            await bed.clock.passes(.seconds(20)) {
                bed.cluster.node?.condition("Ready")?["status"] == "True" && bed.view.status.problem == nil
            })
        await bed.stop()
    }

    @Test("A Node that was deleted is registered again, and the lease follows it")
    func deleted() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.nodeUID != nil })
        let uid = bed.view.nodeUID
        bed.cluster.change { $0.node = nil }
        bed.heartbeat.statusChanged(nodeObject { $0.set(.diskPressure, .isTrue) })
        #expect(await bed.clock.passes(.seconds(1)) { bed.cluster.node != nil })
        #expect(
            await bed.clock.passes(.seconds(25)) {
                bed.view.nodeUID != uid
                    && bed.cluster.lease?["metadata", "ownerReferences"]?.elements?.first?["uid"]?.text
                        == bed.view.nodeUID
            })
        await bed.stop()
    }

    @Test("A Node that is deleted goes with its lease, and both are there again before the next report is due")
    func deletedWithLease() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.nodeUID != nil })
        let uid = bed.view.nodeUID
        bed.cluster.change { state in
            state.node = nil
            state.lease = nil
        }
        #expect(
            await bed.clock.passes(.seconds(25)) {
                guard let new = bed.view.nodeUID, new != uid, bed.cluster.node != nil else { return false }
                return bed.cluster.lease?["metadata", "ownerReferences"]?.elements?.first?["uid"]?.text == new
            })
        await bed.stop()
    }

    @Test("A kubelet's Node: nothing is written, neither lease nor status, and the reason is said")
    func foreignNode() async {
        let bed = Bed()
        bed.cluster.change { state in
            var node = document().node(date: start)
            node["metadata", "annotations"] = nil
            state.node = state.made(node)
        }
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.refusal != nil })
        await bed.clock.pass(.seconds(600))
        #expect(bed.view.refusal?.contains("belongs to a kubelet") == true)
        #expect(bed.cluster.lease == nil)
        #expect(Set(bed.cluster.calls).isDisjoint(with: ["lease.create", "lease.update", "node.patch", "node.create"]))
        await bed.stop()
    }

    @Test("A kubelet that is started beside us renews our lease: lease and status stop")
    func kubeletBeside() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 1 })
        bed.cluster.change { state in
            state.lease?["spec", "renewTime"] = "2026-11-21T00:58:00.000001Z"
            state.lease = state.lease.map { state.stored($0) }
        }
        #expect(await bed.clock.passes(.seconds(15)) { bed.view.refusal != nil })
        let before = bed.cluster.calls.count
        bed.heartbeat.statusChanged(nodeObject { $0.set(.diskPressure, .isTrue) })
        await bed.clock.pass(.seconds(600))
        #expect(bed.cluster.calls.dropFirst(before).allSatisfy { $0.hasPrefix("event") })
        await bed.stop()
    }

    @Test("Role companion: a lease of its own name, its own conditions, and nothing of the kubelet's")
    func companion() async throws {
        let bed = Bed(.companion)
        var kubelets = document().node(date: start)
        kubelets["metadata", "annotations"] = nil
        kubelets["status", "capacity", "pods"] = "110"
        let node = kubelets
        bed.cluster.change { $0.node = $0.made(node) }
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.status.lastSuccess != nil })
        #expect(bed.cluster.lease?["metadata", "name"] == "nodekeep-node1")
        #expect(bed.view.refusal == nil)
        var after = try #require(bed.cluster.node)
        #expect(after["status", "conditions"]?.elements?.count == 7)
        after["status", "conditions"] = .array(Array(after["status", "conditions"]?.elements?.prefix(4) ?? []))
        after["metadata"] = nil
        kubelets["metadata"] = nil
        #expect(after == kubelets)
        #expect(await bed.heartbeat.prepareForShutdown(true, within: .seconds(1)))
        await bed.stop()
    }

    @Test("A status call that hangs does not hold up the lease")
    func independent() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.status.lastSuccess != nil })
        let hold = OneTimeValue<Bool>()
        bed.cluster.change { $0.holds["node.patch"] = hold }
        bed.heartbeat.statusChanged(nodeObject { $0.set(.diskPressure, .isTrue) })
        #expect(await bed.clock.passes(.zero) { bed.cluster.calls.contains("node.patch") })
        let before = bed.view.renewals
        await bed.clock.pass(.seconds(65))
        #expect(bed.view.renewals >= before + 6)
        hold.complete(true)
        #expect(
            await bed.clock.passes(.seconds(1)) { bed.cluster.node?.condition("DiskPressure")?["status"] == "True" })
        await bed.stop()
    }

    @Test("The wall clock jumps both ways: the lease's pace stays", arguments: [-1_000_000, 1_000_000])
    func clockJump(_ seconds: Int64) async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 })
        bed.clock.setWallClock(forwardBy: seconds)
        let before = bed.view.renewals
        await bed.clock.pass(.seconds(52))
        #expect((4...6).contains(bed.view.renewals - before))
        #expect(bed.view.refusal == nil)
        await bed.stop()
    }

    @Test("A machine that was asleep looks at its Node, which the control plane has given up meanwhile")
    func asleep() async {
        let bed = Bed()
        bed.run()
        #expect(await bed.clock.passes(.seconds(20)) { bed.view.renewals > 0 && bed.view.status.lastSuccess != nil })
        bed.cluster.change { $0.node?.giveUp() }
        bed.clock.setWallClock(forwardBy: 3_600)
        #expect(
            await bed.clock.passes(.seconds(25)) { bed.cluster.node?.condition("Ready")?["status"] == "True" })
        await bed.stop()
    }
}
