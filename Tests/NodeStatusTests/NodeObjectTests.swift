// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeStatus
import Testing

@Suite("The Node object")
struct NodeObjectTests {
    /// What a kubelet 1.36.2 sent for the recorded node, less what a kubelet alone knows (declaredFeatures, the volume
    /// annotation), with our port and Ready.
    private static let expected = """
        {"kind":"Node","apiVersion":"v1","metadata":{"name":"node1","labels":{"beta.kubernetes.io/arch":"amd64",
        "beta.kubernetes.io/os":"linux","kubernetes.io/arch":"amd64","kubernetes.io/hostname":"node1",
        "kubernetes.io/os":"linux"}},"spec":{},"status":{"capacity":{"cpu":"2","ephemeral-storage":"264212084Ki",
        "hugepages-1Gi":"0","hugepages-2Mi":"0","memory":"24684092Ki","pods":"110"},"allocatable":{"cpu":"2",
        "ephemeral-storage":"243497856212","hugepages-1Gi":"0","hugepages-2Mi":"0","memory":"24581692Ki","pods":"110"},
        "conditions":[
        {"type":"MemoryPressure","status":"False","lastHeartbeatTime":"2026-11-21T00:48:52Z",
        "lastTransitionTime":"2026-11-21T00:48:52Z","reason":"KubeletHasSufficientMemory",
        "message":"kubelet has sufficient memory available"},
        {"type":"DiskPressure","status":"False","lastHeartbeatTime":"2026-11-21T00:48:52Z",
        "lastTransitionTime":"2026-11-21T00:48:52Z","reason":"KubeletHasNoDiskPressure",
        "message":"kubelet has no disk pressure"},
        {"type":"PIDPressure","status":"False","lastHeartbeatTime":"2026-11-21T00:48:52Z",
        "lastTransitionTime":"2026-11-21T00:48:52Z","reason":"KubeletHasSufficientPID",
        "message":"kubelet has sufficient PID available"},
        {"type":"Ready","status":"True","lastHeartbeatTime":"2026-11-21T00:48:52Z",
        "lastTransitionTime":"2026-11-21T00:48:52Z","reason":"NodekeepReady",
        "message":"nodekeep is posting ready status"}],
        "addresses":[{"type":"InternalIP","address":"192.0.2.2"},{"type":"Hostname","address":"node1"}],
        "daemonEndpoints":{"kubeletEndpoint":{"Port":10280}},
        "nodeInfo":{"machineID":"","systemUUID":"","bootID":"19d74b10-b4ed-4064-974f-5267e62124b8",
        "kernelVersion":"6.18.44-fc-v657","osImage":"Debian GNU/Linux forky/sid",
        "containerRuntimeVersion":"containerd://2.1.9+unknown","kubeletVersion":"v1.36.2","kubeProxyVersion":"",
        "operatingSystem":"linux","architecture":"amd64"},
        "images":[{"names":["docker.io/library/hog:latest"],"sizeBytes":2765476},
        {"names":["docker.io/library/busybox:latest"],"sizeBytes":1997534},
        {"names":["registry.k8s.io/pause:3.10"],"sizeBytes":768670}],
        "runtimeHandlers":[{"name":"","features":{"recursiveReadOnlyMounts":true,"userNamespaces":true}},
        {"name":"runc","features":{"recursiveReadOnlyMounts":true,"userNamespaces":true}}],
        "features":{"supplementalGroupsPolicy":true}}}
        """

    private func sortedJSON(_ object: some Encodable) throws -> String {
        try sortedJSON(text: String(decoding: try JSONEncoder().encode(object), as: UTF8.self))
    }

    private func sortedJSON(text: String) throws -> String {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let data = try JSONSerialization.data(
            withJSONObject: value, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private func recordedObject() -> NodeObject {
        var settings = NodeSettings()
        settings.kubeletVersion = "v1.36.2"
        settings.runtimeConfigured = true
        let snapshot = recordedNode()
        var tracker = ConditionTracker(settings: settings, now: snapshot.time)
        tracker.evaluate(snapshot, health: .good, uptime: .seconds(1), now: snapshot.time)
        return NodeObject.build(snapshot: snapshot, settings: settings, conditions: tracker.conditions)
    }

    @Test("The recorded node's object is what its kubelet sent")
    func recorded() throws {
        #expect(try sortedJSON(recordedObject()) == sortedJSON(text: Self.expected))
    }

    @Test("The object survives a round trip")
    func roundTrip() throws {
        let object = recordedObject()
        let data = try JSONEncoder().encode(object)
        #expect(try JSONDecoder().decode(NodeObject.self, from: data) == object)
    }

    @Test("Taints, provider and swap are there when there is something to say")
    func optionalParts() throws {
        var settings = NodeSettings()
        settings.registerWithTaints = [try Taint(parsing: "a=b:NoExecute"), try Taint(parsing: "c:NoSchedule")]
        settings.providerID = "example://1"
        var snapshot = recordedNode()
        snapshot.runtime = nil
        snapshot.memory = .value(
            MemoryUsage(
                total: gibi, kernelAvailable: nil, free: 0, usage: 0, workingSet: 0, swapTotal: gibi, swapFree: 0,
                source: .cgroup2), at: snapshot.time)
        let object = NodeObject.build(snapshot: snapshot, settings: settings, conditions: [])
        #expect(
            try sortedJSON(object.spec)
                == sortedJSON(
                    text: """
                        {"providerID":"example://1","taints":[{"key":"a","value":"b","effect":"NoExecute"},
                        {"key":"c","effect":"NoSchedule"}]}
                        """))
        #expect(object.status.nodeInfo.swap?.capacity == 1 << 30)
        #expect(object.status.nodeInfo.containerRuntimeVersion.isEmpty)
        #expect(object.status.conditions == nil)
    }

    @Test("A node of which nothing is known has the kubelet's fallbacks and no null")
    func nothingKnown() throws {
        let empty = NodeSnapshot(time: Timestamp(seconds: 0))
        let object = NodeObject.build(snapshot: empty, settings: NodeSettings(), conditions: [])
        #expect(
            try sortedJSON(object)
                == sortedJSON(
                    text: """
                        {"kind":"Node","apiVersion":"v1","metadata":{"name":"","labels":{"kubernetes.io/os":"linux",
                        "beta.kubernetes.io/os":"linux"}},"spec":{},"status":{"capacity":{"pods":"110"},
                        "allocatable":{"pods":"110"},"daemonEndpoints":{"kubeletEndpoint":{"Port":10280}},
                        "nodeInfo":{"machineID":"","systemUUID":"","bootID":"","kernelVersion":"Unknown",
                        "osImage":"Unknown","containerRuntimeVersion":"","kubeletVersion":"","kubeProxyVersion":"",
                        "operatingSystem":"linux","architecture":""}}}
                        """))
    }
}
