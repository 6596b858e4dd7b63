// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

private func event(
    _ message: String = "m", reason: String = "R", level: EventObject.Level = .normal,
    object: HeartbeatEvent.Object = .node, at time: Timestamp = start
) -> HeartbeatEvent {
    HeartbeatEvent(level, reason: reason, message: message, object: object, time: time)
}

extension EventCorrelator.Verdict {
    fileprivate var record: EventRecord? {
        switch self {
        case .create(let record), .patch(let record): record
        case .suppress: nil
        }
    }

    fileprivate var isPatch: Bool { if case .patch = self { true } else { false } }
}

@Suite("Events that are like others")
struct EventCorrelatorTests {
    @Test("The same again is counted, under the first one's name and time")
    func counted() {
        var correlator = EventCorrelator()
        #expect(
            correlator.correlate(event(), name: "a", now: .zero)
                == .create(
                    EventRecord(name: "a", message: "m", firstTime: start, lastTime: start)))
        let later = Timestamp(seconds: start.seconds + 9)
        let second = correlator.correlate(event(at: later), name: "b", now: .seconds(9))
        #expect(second == .patch(EventRecord(name: "a", message: "m", firstTime: start, lastTime: later, count: 2)))
        #expect(correlator.correlate(event(reason: "S"), name: "c", now: .seconds(9)).record?.count == 1)
        #expect(correlator.correlate(event(level: .warning), name: "d", now: .seconds(9)).record?.count == 1)
    }

    @Test("From the tenth message on, similar ones are one event")
    func aggregated() {
        var correlator = EventCorrelator()
        for index in 0..<9 {
            let verdict = correlator.correlate(event("\(index)"), name: "n\(index)", now: .seconds(index))
            #expect(verdict.record?.message == "\(index)")
        }
        let tenth = correlator.correlate(event("9"), name: "n9", now: .seconds(9))
        #expect(tenth.record?.message == "(combined from similar events): 9")
        #expect(!tenth.isPatch)
        let next = correlator.correlate(event("10"), name: "n10", now: .seconds(10))
        #expect(next.isPatch)
        #expect(next.record?.name == "n9")
        #expect(next.record?.count == 2)
        #expect(next.record?.message == "(combined from similar events): 10")
    }

    @Test("Ten minutes without one begin anew")
    func gap() {
        var correlator = EventCorrelator()
        for index in 0..<9 { _ = correlator.correlate(event("\(index)"), name: "n", now: .zero) }
        let late = correlator.correlate(event("late"), name: "n", now: .seconds(601))
        #expect(late.record?.message == "late")
    }

    @Test("One object's events of a type: 25 at once, then one in five minutes")
    func spam() {
        var correlator = EventCorrelator()
        var sent = 0
        for index in 0..<100 where correlator.correlate(event(reason: "R\(index)"), name: "n", now: .zero) != .suppress
        {
            sent += 1
        }
        #expect(sent == 25)
        #expect(correlator.correlate(event(reason: "x"), name: "n", now: .seconds(299)) == .suppress)
        #expect(correlator.correlate(event(reason: "y"), name: "n", now: .seconds(301)) != .suppress)
        let pod = HeartbeatEvent.Object.pod(namespace: "a", name: "b", uid: "c")
        #expect(correlator.correlate(event(object: pod), name: "n", now: .zero) != .suppress)
        #expect(correlator.correlate(event(reason: "z", level: .warning), name: "n", now: .zero) != .suppress)
    }

    @Test("What it remembers is bounded, and the latest stays")
    func bounded() {
        var table = RecentTable<Int, Int>(limit: 100)
        for index in 0..<1_000 {
            table[index] = index
            #expect(table.count <= 100)
        }
        #expect(table[999] == 999)
        #expect(table[0] == nil)
        table.removeAll { $0 > 950 }
        #expect(table[999] == nil)
    }
}

@Suite("Events on their way")
struct EventQueueTests {
    private func queue(uid: String? = "node-uid") -> EventQueue {
        var queue = EventQueue(nodeName: "node1", random: half)
        queue.nodeIs(uid: uid)
        return queue
    }

    private func created(_ step: EventQueue.Step) -> JSONValue? {
        if case .create(let event, _) = step { event } else { .none }
    }

    @Test("An event looks as the kubelet's does, with the Node's real uid")
    func object() {
        var queue = queue()
        queue.add(event("Node node1 status is now: NodeReady", reason: "NodeReady"))
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": ["name": "node1.18e9e9047ec78800", "namespace": "default"],
            "involvedObject": ["kind": "Node", "apiVersion": "v1", "name": "node1", "uid": "node-uid"],
            "reason": "NodeReady", "message": "Node node1 status is now: NodeReady", "type": "Normal",
            "source": ["component": "nodekeep", "host": "node1"],
            "firstTimestamp": "2026-11-21T00:48:52Z", "lastTimestamp": "2026-11-21T00:48:52Z", "count": 1,
            "eventTime": .null, "reportingComponent": "nodekeep", "reportingInstance": "node1",
        ]
        let step = queue.next(now: .zero)
        #expect(created(step) == expected)
        #expect(step == queue.next(now: .zero))
        queue.take(nil, now: .zero)
        #expect(queue.next(now: .zero) == .wait(until: nil))
        #expect(queue.queued == 0)
    }

    @Test("A pod's event is in the pod's namespace")
    func pod() {
        var queue = queue()
        queue.add(event(object: .pod(namespace: "shop", name: "cart-0", uid: "pod-uid")))
        guard case .create(let event, let namespace) = queue.next(now: .zero) else {
            Issue.record("nothing is sent")
            return
        }
        #expect(namespace == "shop")
        #expect(event["metadata", "namespace"] == "shop")
        #expect(event["metadata", "name"]?.text?.hasPrefix("cart-0.") == true)
        #expect(
            event["involvedObject"]
                == ["kind": "Pod", "apiVersion": "v1", "namespace": "shop", "name": "cart-0", "uid": "pod-uid"])
    }

    @Test("Until the Node's uid is known nothing is sent, and a Node that is gone changes nothing")
    func waitsForNode() {
        var queue = queue(uid: nil)
        queue.add(event())
        #expect(queue.next(now: .zero) == .wait(until: nil))
        queue.nodeIs(uid: "late")
        #expect(created(queue.next(now: .zero))?["involvedObject", "uid"] == "late")
        queue.nodeIs(uid: nil)
        #expect(created(queue.next(now: .zero))?["involvedObject", "uid"] == "late")
    }

    @Test("What was sent before is patched; where it has expired it is made anew")
    func patched() {
        var queue = queue()
        queue.add(event())
        let name = created(queue.next(now: .zero))?["metadata", "name"]?.text ?? ""
        queue.take(nil, now: .zero)
        let later = Timestamp(seconds: start.seconds + 5)
        queue.add(event(at: later))
        #expect(
            queue.next(now: .zero)
                == .patch(
                    ["count": 2, "lastTimestamp": "2026-11-21T00:48:57Z", "message": "m"], namespace: "default",
                    name: name))
        queue.take(failure(.notFound), now: .zero)
        let again = created(queue.next(now: .zero))
        #expect(again?["count"] == 2)
        #expect(again?["firstTimestamp"] == "2026-11-21T00:48:52Z")
        queue.take(nil, now: .zero)
        #expect(queue.queued == 0)
    }

    @Test("A server that is not there is tried twelve times, the first time after up to ten seconds, then every ten")
    func outage() {
        var queue = queue()
        queue.add(event())
        queue.add(event("second"))
        var now = Duration.zero
        var pauses: [Duration] = []
        while queue.dropped == 0, pauses.count < 20 {
            let step = queue.next(now: now)
            if case .wait(let until?) = step {
                pauses.append(until - now)
                now = until
            } else {
                queue.take(failure(.connect), now: now)
            }
        }
        #expect(pauses == [.seconds(5)] + [Duration](repeating: .seconds(10), count: 10))
        #expect(queue.dropped == 1)
        #expect(created(queue.next(now: now))?["message"] == "second")
    }

    @Test("What the server refuses is dropped, and the next one of its kind is made and not counted up")
    func refused() {
        var queue = queue()
        queue.add(event())
        _ = queue.next(now: .zero)
        queue.take(failure(.forbidden), now: .zero)
        #expect(queue.dropped == 1)
        #expect(queue.problem == "test: forbidden")
        queue.add(event())
        #expect(created(queue.next(now: .zero))?["count"] == 1)
    }

    @Test("One that is there already was sent")
    func alreadyThere() {
        var queue = queue()
        queue.add(event())
        _ = queue.next(now: .zero)
        queue.take(failure(.connectionLost), now: .zero)
        _ = queue.next(now: .seconds(5))
        queue.take(failure(.conflict), now: .seconds(5))
        #expect(queue.dropped == 0)
        #expect(queue.problem == nil)
        #expect(queue.queued == 0)
    }

    @Test("429 is waited for")
    func tooManyRequests() {
        var queue = queue()
        queue.add(event())
        _ = queue.next(now: .zero)
        queue.take(failure(.tooManyRequests, retryAfter: .seconds(20)), now: .zero)
        #expect(queue.next(now: .zero) == .wait(until: .seconds(20)))
        #expect(created(queue.next(now: .seconds(20))) != nil)
    }

    @Test("A thousand wait; more are dropped and counted")
    func full() {
        var queue = queue(uid: nil)
        for _ in 0..<1_010 { queue.add(event()) }
        #expect(queue.dropped == 10)
        #expect(queue.queued == 1_000)
    }

    @Test("Two of the same nanosecond have two names")
    func names() {
        var queue = queue()
        var names: Set<String> = []
        for index in 0..<20 {
            // A clock that goes back, too.
            queue.add(event(reason: "R\(index)", at: Timestamp(seconds: start.seconds - Int64(index / 10))))
            names.insert(created(queue.next(now: .zero))?["metadata", "name"]?.text ?? "")
            queue.take(nil, now: .zero)
        }
        #expect(names.count == 20)
    }

    @Test("What conditions are told as")
    func words() {
        let flip = StatusMachine.News.flipped(type: "DiskPressure", from: "False", to: .isTrue, message: "full")
        let told = flip.event(settings())
        #expect(told?.reason == "NodeHasDiskPressure")
        #expect(told?.message == "Node node1 status is now: NodeHasDiskPressure")
        #expect(told?.level == .normal)
        let companion = StatusMachine.News.flipped(
            type: "nodekeep.dev/DiskPressure", from: "False", to: .isTrue, message: "full")
        #expect(companion.event(settings(.companion))?.reason == "NodekeepHasDiskPressure")
        #expect(companion.event(settings(.companion))?.message == "nodekeep.dev/DiskPressure is True: full")
        let unknown = StatusMachine.News.flipped(type: "Ready", from: "True", to: .unknown, message: "")
        #expect(unknown.event(settings()) == nil)
        #expect(StatusMachine.News.rebooted(bootID: "b").event(settings())?.level == .warning)
        #expect(StatusMachine.News.registered.event(settings()) == nil)
    }
}
