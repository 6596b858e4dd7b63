// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

/// Chance that is the same in every run (Knuth's MMIX).
private final class Dice: @unchecked Sendable {
    // One machine's alone, which is used by one thread.
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1 }

    func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 53)
    }
}

/// One of many nodes: the real machine, and when it does its next step.
private struct HerdNode {
    var machine: LeaseMachine
    var now: Duration

    init(_ index: Int) {
        let dice = Dice(index + 1)
        machine = LeaseMachine(settings(), now: .zero, spread: Heartbeat.startSpread, random: { dice.next() })
        now = .zero
        machine.nodeAppeared(uid: "u", now: .zero)
    }

    /// Makes time pass until there is a call.
    mutating func call() -> LeaseMachine.Step {
        while true {
            let step = machine.next(now: now, date: start)
            guard case .wait(let until) = step else { return step }
            now = until
        }
    }
}

/// Requests by the second.
private struct Traffic {
    var perSecond: [Int: Int] = [:]

    mutating func add(_ time: Duration) { perSecond[Int(time.components.seconds), default: 0] += 1 }

    func peak(_ range: Range<Int>) -> Int { range.map { perSecond[$0] ?? 0 }.max() ?? 0 }
    func mean(_ range: Range<Int>) -> Double {
        Double(range.map { perSecond[$0] ?? 0 }.reduce(0, +)) / Double(range.count)
    }
}

private let herd = 5_000
/// Seconds.
private let before = 30
private let refused = failure(.connect)
private let throttled = failure(.tooManyRequests, retryAfter: .seconds(1))
private let stored: JSONValue = NodeLease.new(settings(), ownerUID: "u", date: start)

@Suite("Thousands of nodes")
struct HerdTests {
    /// All nodes as they are when the API server has been away for so long.
    private static func outage(_ length: Duration, _ traffic: inout Traffic) -> [HerdNode] {
        var nodes: [HerdNode] = []
        for index in 0..<herd {
            var node = HerdNode(index)
            // It was there at first.
            while node.now < .seconds(before) {
                switch node.call() {
                case .get: node.machine.take(.lease(nil), now: node.now)
                default: node.machine.take(.lease(stored), now: node.now)
                }
            }
            while true {
                _ = node.call()
                if node.now >= .seconds(before) + length { break }
                traffic.add(node.now)
                node.machine.take(.failed(refused), now: node.now)
            }
            nodes.append(node)
        }
        return nodes
    }

    @Test("5000 nodes after an outage of an hour: all are back within 7 s, and no second has more than a fifth of them")
    func outage() {
        var traffic = Traffic()
        var nodes = Self.outage(.seconds(3_600), &traffic)
        let end = before + 3_600
        for index in nodes.indices {
            while true {
                _ = nodes[index].call()
                let now = nodes[index].now
                if now >= .seconds(end + 60) { break }
                traffic.add(now)
                nodes[index].machine.take(.lease(stored), now: now)
            }
        }
        let during = traffic.peak(70..<end)
        let after = traffic.peak(end..<end + 60)
        let steady = traffic.mean(end + 30..<end + 60)
        print(
            "herd: at most \(during) requests/s while the server is away, \(after) when it is back, \(Int(steady)) at rest"
        )
        // One try in 5¼ s on average, and a read and a write each when it is back.
        #expect(during <= 1_300)
        #expect(after <= 2_300)
        #expect(traffic.mean(end + 10..<end + 60) <= 520)
        let inSevenSeconds = (end..<end + 7).map { traffic.perSecond[$0] ?? 0 }.reduce(0, +)
        #expect(inSevenSeconds >= 2 * herd)
    }

    @Test("5000 nodes and a server that can do 1000 requests a second: all are back within half a minute")
    func slowServer() {
        var traffic = Traffic()
        var nodes = Self.outage(.seconds(120), &traffic)
        let end = before + 120
        let capacity = 1_000
        var served: [Int: Int] = [:]
        var turnedAway: [Int: Int] = [:]
        var renewed = Set<Int>()
        var lastRenewal = 0
        // By time: what is served depends on who came before.
        var queue: [Int: [Int]] = [:]
        for index in nodes.indices { queue[Self.tick(nodes[index].now), default: []].append(index) }
        for tick in end * 100..<(end + 60) * 100 {
            let second = tick / 100
            while let index = queue[tick]?.popLast() {
                let step = nodes[index].call()
                let now = nodes[index].now
                if served[second, default: 0] < capacity {
                    served[second, default: 0] += 1
                    if step.written != nil, renewed.insert(index).inserted { lastRenewal = second - end }
                    nodes[index].machine.take(.lease(stored), now: now)
                } else {
                    turnedAway[second, default: 0] += 1
                    nodes[index].machine.take(.failed(throttled), now: now)
                }
                _ = nodes[index].call()
                queue[max(Self.tick(nodes[index].now), tick), default: []].append(index)
            }
        }
        let most = turnedAway.values.max() ?? 0
        print("herd: \(capacity) requests/s: the last is back after \(lastRenewal) s, at most \(most) refusals/s")
        #expect(renewed.count == herd)
        #expect(lastRenewal <= 30)
        #expect(most <= 2_500)
    }

    /// Hundredths of a second.
    private static func tick(_ time: Duration) -> Int {
        let (seconds, attoseconds) = time.components
        return Int(seconds) * 100 + Int(attoseconds / 10_000_000_000_000_000)
    }

    @Test("5000 nodes that start at the same moment spread over five seconds")
    func startTogether() {
        var traffic = Traffic()
        for index in 0..<herd {
            var node = HerdNode(index)
            while true {
                let step = node.call()
                if node.now >= .seconds(5) { break }
                traffic.add(node.now)
                node.machine.take(.lease(step == .get ? .none : .some(stored)), now: node.now)
            }
        }
        print("herd: at a start together at most \(traffic.peak(0..<5)) requests/s")
        #expect(traffic.peak(0..<5) <= 2_300)
        #expect(traffic.mean(0..<5) == Double(2 * herd) / 5)
    }
}
