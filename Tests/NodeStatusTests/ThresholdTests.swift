// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("Eviction thresholds")
struct ThresholdTests {
    private func parse(_ value: String) throws -> EvictionThreshold? {
        try EvictionThreshold.parse(signal: "nodefs.available", value: value)
    }

    @Test(
        "A percentage is of the capacity as the kubelet reckons it, to the byte",
        arguments: [
            ("10%", UInt64(103_865_303_040), UInt64(10_386_530_458)), ("10%", 270_553_174_016, 27_055_317_804),
            ("15%", 1_000_000_000_000, 150_000_005_960), ("5%", 16_000_000, 800_000), ("0.0%", 1_000, 0),
            ("100%%", 1_000, 1_000), ("2.5%", 1_000, 25), ("10%", 0, 0), ("99.999%", .max, 18_446_559_355_756_085_248),
        ])
    func percentages(text: String, capacity: UInt64, absolute: UInt64) throws {
        #expect(try #require(try parse(text)).absolute(capacity: capacity) == absolute)
    }

    @Test("The whole of the largest capacity does not overflow")
    func largest() {
        #expect(EvictionThreshold.Value.fraction(1).absolute(capacity: .max) == .max)
        #expect(EvictionThreshold.Value.fraction(.nan).absolute(capacity: 5) == 0)
        #expect(EvictionThreshold.Value.fraction(.infinity).absolute(capacity: 5) == .max)
        #expect(EvictionThreshold.Value.fraction(-1).absolute(capacity: 5) == 0)
        _ = EvictionThreshold.Value.fraction(.infinity).description
        _ = EvictionThreshold.Value.fraction(.nan).description
        let both = EvictionThreshold(
            signal: .nodefsAvailable, value: .fraction(1), minimumReclaim: .quantity(Quantity(bytes: .max)))
        #expect(both.absoluteToRecover(capacity: .max) == .max)
    }

    @Test("A quantity is itself, whatever the capacity")
    func quantities() throws {
        #expect(try #require(try parse("100Mi")).absolute(capacity: 7) == 104_857_600)
        #expect(try #require(try parse("1500m")).absolute(capacity: 7) == 2)
    }

    @Test("0% and 100% switch a signal off, to the letter", arguments: ["0%", "100%"])
    func switchedOff(text: String) throws {
        #expect(try parse(text) == nil)
        #expect(try EvictionThresholds.parse(hard: ["nodefs.available": text]).isEmpty)
    }

    @Test(
        "A threshold that makes no sense is refused",
        arguments: [
            "", "%", "-1%", "101%", "nan%", "inf%", "0x10%", "1e9%", " 10%", "10 %", "0", "0Mi", "-5Mi", "abc", "10% ",
            "5Q",
        ])
    func refused(text: String) {
        #expect(throws: SyntaxError.self) { try parse(text) }
    }

    @Test(
        "Thresholds are shown as they were written",
        arguments: [
            ("100Mi", "100Mi"), ("10%", "10%"), ("15%", "15%"), ("5%", "5%"), ("2.5%", "2.5%"), ("33.333%", "33.333%"),
            ("0.1%", "0.1%"), ("99.5%", "99.5%"), ("7%", "7%"),
        ])
    func display(text: String, shown: String) throws {
        #expect(try #require(try parse(text)).value.description == shown)
    }

    @Test("The defaults are the kubelet's and one for tasks")
    func defaults() {
        #expect(
            EvictionThresholds.defaults.map { "\($0.signal.rawValue)<\($0.value)" } == [
                "memory.available<100Mi", "nodefs.available<10%", "nodefs.inodesFree<5%", "imagefs.available<15%",
                "imagefs.inodesFree<5%", "pid.available<10%",
            ])
        #expect(EvictionThresholds.defaults.allSatisfy { $0.isHard })
    }

    @Test("Maps of a kubelet configuration become thresholds in a fixed order")
    func maps() throws {
        let hard = try EvictionThresholds.parse(
            hard: ["pid.available": "5%", "memory.available": "200Mi"], minimumReclaim: ["memory.available": "50Mi"])
        #expect(hard.map(\.signal) == [.memoryAvailable, .pidAvailable])
        #expect(hard.first?.minimumReclaim == .quantity(Quantity(bytes: 50 * mebi)))
        let soft = try EvictionThresholds.parse(
            soft: ["memory.available": "500Mi"], gracePeriods: ["memory.available": "1m30s"])
        #expect(soft.first?.grace == .seconds(90))
        #expect(soft.first?.isHard == false)
    }

    @Test("What is wrong in the maps is named")
    func badMaps() throws {
        #expect(throws: SyntaxError.self) { try EvictionThresholds.parse(hard: ["memory.free": "1Mi"]) }
        #expect(throws: SyntaxError.self) {
            try EvictionThresholds.parse(hard: [:], minimumReclaim: ["memory.free": "1Mi"])
        }
        #expect(throws: SyntaxError.self) {
            try EvictionThresholds.parse(soft: ["memory.available": "1Mi"], gracePeriods: [:])
        }
        #expect(throws: SyntaxError.self) {
            try EvictionThresholds.parse(soft: ["memory.available": "1Mi"], gracePeriods: ["memory.available": "-1s"])
        }
        #expect(throws: SyntaxError.self) {
            try EvictionThresholds.parse(
                hard: ["memory.available": "1Mi"], minimumReclaim: ["memory.available": "0%"])
        }
        #expect(throws: SyntaxError.self) {
            try EvictionThresholds.parse(
                hard: ["memory.available": "1Mi"], minimumReclaim: ["memory.available": "-1"])
        }
        let error = try #require(throws: SyntaxError.self) {
            try EvictionThresholds.parse(hard: ["memory.free": "1Mi"])
        }
        #expect(error.description.hasPrefix("\"memory.free\" is not an eviction signal: there is none of that name;"))
    }

    @Test("Every signal drives the condition that the kubelet says")
    func conditions() {
        let byCondition = Dictionary(grouping: EvictionSignal.allCases, by: \.condition).mapValues(\.count)
        #expect(byCondition == [.memoryPressure: 2, .diskPressure: 6, .pidPressure: 1])
    }
}
