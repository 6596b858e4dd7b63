// SPDX-License-Identifier: Apache-2.0
import NodeStatus
import Testing

@testable import KubeAPI

@Suite struct RotationMachineTests {
    private static let begin: Int64 = 1_795_000_000
    private static let day: Int64 = 86_400

    private func validity(_ begin: Int64 = begin, seconds: Int64 = 100 * day) -> RotationMachine.Validity {
        RotationMachine.Validity(notBefore: Timestamp(seconds: begin), notAfter: Timestamp(seconds: begin + seconds))
    }

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: Self.begin + seconds) }

    @Test(arguments: [(0.0, 70), (0.5, 80), (1.0, 90)])
    func renewsBetween70And90Percent(random: Double, day: Int64) {
        var machine = RotationMachine()
        machine.found(validity(), random: random)
        #expect(machine.renewal == at(day * Self.day))
        // The point is chosen once.
        machine.found(validity(), random: 0.123)
        #expect(machine.renewal == at(day * Self.day))
        let before = machine.step(date: at(day * Self.day - 1), now: .zero, canBootstrap: true)
        #expect(before == .wait(.seconds(1)))
        #expect(machine.step(date: at(0), now: .zero, canBootstrap: true) == .wait(.seconds(600)))
        let due = machine.step(date: at(day * Self.day), now: .zero, canBootstrap: true)
        #expect(due == .request(as: .current))
        #expect(machine.step(date: at(day * Self.day), now: .zero, canBootstrap: false) == due)
    }

    @Test func certificatesOfNoLife() {
        var machine = RotationMachine()
        machine.found(validity(seconds: -5), random: 0.5)
        #expect(machine.renewal == at(0))
        machine.found(validity(seconds: 0), random: 0.5)
        #expect(machine.step(date: at(0), now: .zero, canBootstrap: false) == .request(as: .current))
    }

    @Test func withoutACertificate() {
        var machine = RotationMachine()
        machine.found(nil, random: 0)
        #expect(machine.step(date: at(0), now: .zero, canBootstrap: true) == .request(as: .bootstrap))
        #expect(machine.step(date: at(0), now: .zero, canBootstrap: false) == .stuck)
        #expect(machine.renewal == nil)
    }

    @Test func expired() {
        var machine = RotationMachine()
        machine.found(validity(), random: 0)
        let end = at(100 * Self.day)
        #expect(machine.step(date: end, now: .zero, canBootstrap: true) == .request(as: .bootstrap))
        #expect(machine.step(date: end, now: .zero, canBootstrap: false) == .request(as: .current))
        #expect(machine.step(date: at(100 * Self.day - 1), now: .zero, canBootstrap: true) == .request(as: .current))
    }

    /// 2 s, doubled up to 32 s, each up to a tenth longer by chance.
    @Test(arguments: [0.0, 1.0])
    func backsOff(random: Double) {
        var machine = RotationMachine()
        var now = Duration.seconds(1_000)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            machine.failed(now: now, isForPeople: false, retryAfter: nil, random: random)
            guard case .wait(let pause) = machine.step(date: at(0), now: now, canBootstrap: true) else {
                Issue.record("no pause")
                return
            }
            #expect(machine.pause(now: now) == pause)
            pauses.append(pause)
            now += pause
            #expect(machine.step(date: at(0), now: now, canBootstrap: true) == .request(as: .bootstrap))
            #expect(machine.pause(now: now) == .zero)
        }
        let expected = [2, 4, 8, 16, 32, 32, 32, 32].map { Duration.seconds($0) * (1 + 0.1 * random) }
        for (pause, expected) in zip(pauses, expected) {
            #expect(abs((pause - expected) / .seconds(1)) < 0.001)
        }
    }

    /// People are given three quick tries: an API server that has just started refuses what it will take in a moment.
    @Test func slowsDownForPeople() {
        var machine = RotationMachine()
        var pauses: [Duration] = []
        for _ in 0..<5 {
            machine.failed(now: .zero, isForPeople: true, retryAfter: nil, random: 0)
            pauses.append(machine.pause(now: .zero))
        }
        #expect(pauses == [2, 4, 8, 300, 300].map { .seconds($0) })
        machine.failed(now: .zero, isForPeople: false, retryAfter: nil, random: 0)
        #expect(machine.pause(now: .zero) == .seconds(32))
    }

    @Test func doesAsTheServerAsks() {
        var machine = RotationMachine()
        machine.failed(now: .seconds(5), isForPeople: false, retryAfter: .seconds(40), random: 0)
        #expect(machine.pause(now: .seconds(5)) == .seconds(40))
        machine.failed(now: .seconds(5), isForPeople: false, retryAfter: .seconds(1), random: 0)
        #expect(machine.pause(now: .seconds(5)) == .seconds(4))
        machine.failed(now: .seconds(5), isForPeople: false, retryAfter: .seconds(3_600), random: 0)
        // Files are looked at all the same.
        #expect(machine.step(date: at(0), now: .seconds(5), canBootstrap: true) == .wait(.seconds(600)))
    }

    /// A new certificate ends a row of failures, whoever put it there.
    @Test(arguments: [true, false])
    func beginsAnew(isOurs: Bool) {
        var machine = RotationMachine()
        for _ in 0..<4 { machine.failed(now: .zero, isForPeople: true, retryAfter: nil, random: 0) }
        if isOurs { machine.succeeded(now: .zero) } else { machine.found(validity(), random: 0) }
        machine.failed(now: .seconds(500), isForPeople: true, retryAfter: nil, random: 0)
        #expect(machine.pause(now: .seconds(500)) == .seconds(2))
    }

    /// By a clock that is far ahead each new certificate is old already.
    @Test func oldWhenItComes() {
        var machine = RotationMachine()
        machine.found(validity(), random: 0)
        machine.succeeded(now: .seconds(10))
        machine.found(validity(Self.begin + 10), random: 0)
        let date = at(90 * Self.day)
        #expect(machine.step(date: date, now: .seconds(10), canBootstrap: true) == .wait(.seconds(60)))
        #expect(machine.step(date: date, now: .seconds(70), canBootstrap: true) == .request(as: .current))
    }

    /// A failure while the certificate is good for long does not wait in its way, and an old one is no reason to renew.
    @Test func failuresAtRest() {
        var machine = RotationMachine()
        machine.found(validity(), random: 0)
        machine.failed(now: .zero, isForPeople: false, retryAfter: nil, random: 0)
        #expect(machine.step(date: at(1), now: .zero, canBootstrap: true) == .wait(.seconds(600)))
        #expect(machine.step(date: at(70 * Self.day), now: .zero, canBootstrap: true) == .wait(.seconds(2)))
        #expect(machine.step(date: at(70 * Self.day), now: .seconds(2), canBootstrap: true) == .request(as: .current))
    }

    /// The wall clock may be set while it waits; backing off does not go by it.
    @Test func clockJumps() {
        var machine = RotationMachine()
        machine.found(validity(), random: 0)
        #expect(machine.step(date: at(-Self.day * 365), now: .zero, canBootstrap: true) == .wait(.seconds(600)))
        #expect(machine.step(date: at(71 * Self.day), now: .zero, canBootstrap: true) == .request(as: .current))
        machine.failed(now: .seconds(100), isForPeople: false, retryAfter: nil, random: 0)
        for date in [at(71 * Self.day), at(99 * Self.day), at(200 * Self.day)] {
            #expect(machine.step(date: date, now: .seconds(101), canBootstrap: false) == .wait(.seconds(1)))
        }
        #expect(machine.step(date: at(5 * Self.day), now: .seconds(101), canBootstrap: true) == .wait(.seconds(600)))
    }

    /// Nodes that joined in one minute renew over a fifth of the certificate's life.
    @Test func thousandsOfNodes() {
        var random = SplitMix(seed: 1)
        var perDay: [Int64: Int] = [:]
        for _ in 0..<5_000 {
            var machine = RotationMachine()
            machine.found(validity(seconds: 365 * Self.day), random: .random(in: 0..<1, using: &random))
            let renewal = (machine.renewal?.seconds ?? 0) - Self.begin
            #expect(renewal >= 255 * Self.day && renewal <= 329 * Self.day)
            perDay[renewal / Self.day, default: 0] += 1
        }
        #expect((perDay.values.max() ?? 0) < 5_000 / 73 * 2)
    }
}
