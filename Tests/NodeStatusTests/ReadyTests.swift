// SPDX-License-Identifier: Apache-2.0

import Testing

import NodeStatus

@Suite("Ready")
struct ReadyTests {
    @Test("Problems are aggregated as the kubelet does, in its order")
    func problems() {
        var watch = Watch()
        watch.pass(1)
        let health = SelfHealth(loops: [
            .init(name: "collector", problem: nil), .init(name: "lease", problem: "it has not renewed for 40s"),
        ])
        watch.next(health: health)
        #expect(watch.condition(.ready).reason == "NodekeepNotReady")
        #expect(watch.condition(.ready).message == "lease is not healthy: it has not renewed for 40s")
        let flips = watch.next(health: health) { node in
            node.systemd = .value(
                SystemdState(
                    version: "252", systemState: "stopping", failedUnits: [], failedUnitCount: 0, virtualization: "",
                    isPreparingForShutdown: true), at: node.time)
        }
        #expect(flips.isEmpty)
        #expect(
            watch.condition(.ready).message
                == "[lease is not healthy: it has not renewed for 40s, node is shutting down]")
        #expect(watch.next().map(\.eventReason) == ["NodeReady"])
    }

    @Test("A capacity that was there has to be missing twice")
    func capacity() {
        var watch = Watch()
        watch.pass(1)
        let lost = { (node: inout NodeSnapshot) in node.topology = .missing("gone") }
        watch.next(lost)
        #expect(watch.status(.ready) == .isTrue)
        watch.next(lost)
        #expect(watch.condition(.ready).message == "missing node capacity for resources: cpu")
    }

    @Test("Pressure does not make a node unready, and the kubelet's words are there for its role")
    func kubeletWords() {
        var settings = NodeSettings()
        settings.localStorageCapacityIsolation = false
        var tracker = ConditionTracker(settings: settings, now: Timestamp(seconds: 0), wording: .kubelet)
        for second in 1...2 {
            var node = recordedNode(second: Int64(second))
            node.setMemory(available: 0)
            tracker.evaluate(node, health: .good, uptime: .seconds(second), now: node.time)
        }
        #expect(tracker.conditions.first?.status == .isTrue)
        #expect(tracker.conditions.last?.reason == "KubeletReady")
        #expect(tracker.conditions.last?.message == "kubelet is posting ready status")
    }

    @Test("New settings hold from the next evaluation on")
    func reload() {
        var watch = Watch()
        watch.pass(2)
        watch.settings.evictionHard = [
            EvictionThreshold(signal: .memoryAvailable, value: .fraction(0.9))
        ]
        watch.tracker.update(settings: watch.settings)
        watch.pass(2)
        #expect(watch.status(.memoryPressure) == .isTrue)
        #expect(watch.status(.pidPressure) == .isFalse)
    }
}
