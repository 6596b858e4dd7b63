// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

@Suite("A status that goes to a file")
struct StatusFileMachineTests {
    private func step(_ machine: inout StatusFileMachine, at now: Duration) -> String {
        switch machine.next(now: now, date: start) {
        case .wait(nil): "rest"
        case .wait: "wait"
        case .write: "write"
        }
    }

    @Test("It is written when it has changed, and a node at rest writes nothing")
    func atRest() {
        var machine = StatusFileMachine(random: half)
        let alone = settings(.none)
        #expect(step(&machine, at: .zero) == "rest")
        machine.offer(document(alone))
        #expect(step(&machine, at: .zero) == "write")
        machine.take(nil, now: .zero)
        machine.offer(document(alone) { $0.status.conditions?[0].lastHeartbeatTime = Timestamp(seconds: 1) })
        #expect(step(&machine, at: .seconds(10_000)) == "rest")
        machine.offer(document(alone) { $0.set(.ready, .isFalse) })
        #expect(step(&machine, at: .seconds(10_000)) == "write")
    }

    @Test("A full disk is tried again, ever more slowly, and what is written then is the latest")
    func fullDisk() {
        var machine = StatusFileMachine(random: half)
        let alone = settings(.none)
        machine.offer(document(alone))
        var now = Duration.zero
        for _ in 0..<10 {
            #expect(step(&machine, at: now) == "write")
            machine.take(failure(.disk), now: now)
            #expect(machine.problem == "test: disk")
            #expect(step(&machine, at: now) == "wait")
            guard case .wait(let until?) = machine.next(now: now, date: start) else { return }
            #expect(until - now <= .seconds(60))
            now = until
        }
        machine.offer(document(alone) { $0.set(.ready, .isFalse) })
        guard case .write(let node) = machine.next(now: now, date: start) else {
            Issue.record("nothing is written")
            return
        }
        #expect(node.condition("Ready")?["status"] == "False")
        machine.take(nil, now: now)
        #expect(machine.problem == nil)
        #expect(step(&machine, at: now) == "rest")
    }
}
