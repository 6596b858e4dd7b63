// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeStatus

@Suite("The runtime in Ready")
struct RuntimeReadyTests {
    private static let network = (
        false, "NetworkPluginNotReady", "Network plugin returns error: cni plugin not initialized"
    )

    private func fail(_ node: inout NodeSnapshot) {
        node.runtime?.contact = .fails("connection refused")
        node.runtime?.conditions = .missing("connection refused")
        node.runtime?.version = .missing("connection refused")
    }

    private func say(_ conditions: [RuntimeReport.Condition]) -> (inout NodeSnapshot) -> Void {
        { node in node.runtime?.conditions = .value(conditions, at: node.time) }
    }

    @Test("One that never answered is down at once, one that stops has half a minute, and a restart is none of it")
    func patience() {
        var watch = Watch()
        watch.next(fail)
        #expect(watch.condition(.ready).message == "[container runtime is down, network state unknown]")
        watch.next()
        #expect(watch.status(.ready) == .isTrue)
        for _ in 0..<29 { watch.next(fail) }
        #expect(watch.status(.ready) == .isTrue)
        watch.next(fail)
        #expect(watch.condition(.ready).message == "container runtime is down")
        watch.next()
        #expect(watch.status(.ready) == .isTrue)
        for _ in 0..<10 { watch.next(fail) }
        watch.next()
        for _ in 0..<29 { watch.next(fail) }
        #expect(watch.status(.ready) == .isTrue)
    }

    @Test("An answer counts once: one that nobody asks for anew grows old")
    func monitorStuck() {
        var watch = Watch()
        let old = watch.now
        for _ in 0..<30 { watch.next { $0.runtime = recordedRuntime(at: old) } }
        #expect(watch.status(.ready) == .isTrue)
        watch.next { $0.runtime = recordedRuntime(at: old) }
        #expect(watch.condition(.ready).message == "container runtime is down")
    }

    @Test("The kubelet's words for a network that is not ready, as it was recorded, and no patience with it")
    func networkNotReady() {
        var watch = Watch()
        watch.pass(1)
        let expected =
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            + "message:Network plugin returns error: cni plugin not initialized"
        watch.next(say(ready(network: Self.network)))
        #expect(watch.status(.ready) == .isFalse)
        #expect(watch.condition(.ready).message == expected)
        // Who does not answer has said nothing else; and the network does not stop the runtime's clock.
        watch.next(fail)
        #expect(watch.condition(.ready).message == expected)
        for _ in 0..<60 { watch.next(say(ready(network: Self.network))) }
        #expect(watch.condition(.ready).message == expected)
        watch.next()
        #expect(watch.status(.ready) == .isTrue)
    }

    @Test("The kubelet's words for a runtime that is not ready, which after half a minute is down as well")
    func runtimeNotReady() {
        var watch = Watch()
        watch.pass(1)
        let expected = "container runtime not ready: RuntimeReady=false reason:Sleepy message:not now"
        let sleepy = say(ready(runtime: (false, "Sleepy", "not now")))
        watch.next(sleepy)
        #expect(watch.condition(.ready).message == expected)
        for _ in 0..<29 { watch.next(sleepy) }
        #expect(watch.condition(.ready).message == "[container runtime is down, \(expected)]")
    }

    @Test("A condition that the runtime does not mention is <nil>, as Go prints it")
    func silent() {
        var watch = Watch()
        watch.next(say(ready(runtime: nil, network: nil)))
        #expect(
            watch.condition(.ready).message
                == "[container runtime status check may not have completed yet, "
                + "container runtime not ready: <nil>, container runtime network not ready: <nil>]")
    }

    @Test("Of a runtime that has not been asked yet nothing is known")
    func notAsked() {
        var watch = Watch()
        watch.next { $0.runtime = RuntimeReport(endpoint: "unix:///x") }
        #expect(
            watch.condition(.ready).message
                == "[container runtime status check may not have completed yet, network state unknown]")
    }
}

@Suite("The runtime in the Node object")
struct RuntimeNodeTests {
    @Test(
        "A version is what a kubelet understands of it",
        arguments: [
            ("v2.1.9", "2.1.9"), ("2.1.9+unknown", "2.1.9+unknown"), ("1.6.20~ds1", "1.6.20"), ("1.36.3", "1.36.3"),
            ("v2.4.0-beta.0", "2.4.0-beta.0"), ("1.7.0-rc.1+build.5", "1.7.0-rc.1+build.5"), (" v1.2.3 ", "1.2.3"),
            ("1.2.3-01", "1.2.3"), ("20.10", "20.10"), ("1.2.3.4-x", "1.2.3.4"), ("1.02.3", "1.2.3"), ("1.2.x", "1.2"),
            ("1.2.3-a..b", "1.2.3"), ("1.2.3+a_b", "1.2.3"), ("1", nil), ("01.2.3", nil), ("x", nil), ("", nil),
            ("v", nil), ("1.99999999999999999999999.3", nil), ("١.٢.٣", nil),
        ] as [(String, String?)])
    func versions(said: String, shown: String?) {
        #expect(RuntimeVersionText.render(said) == shown)
    }

    private func info(_ change: (inout RuntimeReport) -> Void) -> NodeStatusObject {
        var settings = NodeSettings()
        settings.runtimeConfigured = true
        var snapshot = recordedNode()
        var report = recordedRuntime(at: snapshot.time)
        change(&report)
        snapshot.runtime = report
        return NodeObject.build(snapshot: snapshot, settings: settings, conditions: []).status
    }

    @Test("A runtime that does not say its version keeps its name; of one that never said anything there is none")
    func unknownVersion() {
        let lost = info { $0.version = .missing("connection refused") }
        #expect(lost.nodeInfo.containerRuntimeVersion == "containerd://Unknown")
        // What it has is not gone because it does not answer.
        #expect(lost.images?.count == 3)
        #expect(lost.runtimeHandlers?.count == 2)
        #expect(
            info { $0.version = .value(.init(version: "weird", apiVersion: ""), at: Timestamp(seconds: 0)) }
                .nodeInfo.containerRuntimeVersion == "containerd://Unknown")
        let nothing = info { $0 = RuntimeReport(endpoint: $0.endpoint) }
        #expect(nothing.nodeInfo.containerRuntimeVersion == "://Unknown")
        #expect(nothing.images == nil && nothing.runtimeHandlers == nil && nothing.features == nil)
    }

    @Test("Images are named as many as are wanted, largest first", arguments: [(50, 3), (2, 2), (0, nil), (-1, 3)])
    func images(maximum: Int, count: Int?) {
        var settings = NodeSettings()
        settings.statusMaxImages = maximum
        let status = NodeObject.build(snapshot: recordedNode(), settings: settings, conditions: []).status
        #expect(status.images?.count == count)
        #expect(status.images == nil || status.images?.first?.names == ["docker.io/library/hog:latest"])
    }

    @Test("Images are in the kubelet's order: by size, then by identifier, backwards both")
    func order() {
        let images = [("a", 5), ("c", 7), ("b", 7), ("d", 1)].map {
            RuntimeReport.Image(id: $0.0, names: [], size: $0.1)
        }
        #expect(RuntimeReport.Image.sorted(images).map(\.id) == ["c", "b", "a", "d"])
    }

    @Test("An image of absurd size fits into the status")
    func hugeImage() {
        let status = info { $0.images = .value([.init(id: "x", names: [], size: .max)], at: Timestamp(seconds: 0)) }
        #expect(status.images == [ContainerImage(names: [], sizeBytes: .max)])
    }

    @Test("Sums of samples do not overflow, and what one side does not have is not counted")
    func sums() {
        let some = RuntimeUsage.Amounts(cpu: .init(.max, at: 5), swap: .init(3, at: 1))
        let other = RuntimeUsage.Amounts(cpu: .init(2, at: 9), workingSet: .init(4, at: 2))
        #expect(
            some + other
                == RuntimeUsage.Amounts(cpu: .init(.max, at: 9), workingSet: .init(4, at: 2), swap: .init(3, at: 1)))
    }
}
