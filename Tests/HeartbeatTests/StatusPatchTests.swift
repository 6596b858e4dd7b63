// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Testing

@testable import Heartbeat

private let later = Timestamp(seconds: start.seconds + 300)

private func known(_ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue {
    var node = document().node(date: start)
    node["metadata", "uid"] = "node-uid"
    node["metadata", "resourceVersion"] = "225"
    change(&node)
    return node
}

private func patch(
    from node: JSONValue = known(), to wanted: NodeDocument = document(), withImages: Bool = false
) -> StatusPatch {
    StatusPatch(from: node, to: wanted, withImages: withImages, date: later)
}

@Suite("What is sent of a node's status")
struct StatusPatchTests {
    @Test("At rest only the times of the report, and no change")
    func atRest() {
        let patch = patch()
        #expect(patch.change == nil)
        #expect(patch.flips.isEmpty)
        #expect(
            patch.body == [
                "status": [
                    "conditions": [
                        ["type": "MemoryPressure", "lastHeartbeatTime": "2026-11-21T00:53:52Z"],
                        ["type": "DiskPressure", "lastHeartbeatTime": "2026-11-21T00:53:52Z"],
                        ["type": "PIDPressure", "lastHeartbeatTime": "2026-11-21T00:53:52Z"],
                        ["type": "Ready", "lastHeartbeatTime": "2026-11-21T00:53:52Z"],
                    ]
                ]
            ])
    }

    @Test("A condition that flips brings all of itself; the others only the time")
    func flip() {
        let wanted = document { $0.set(.diskPressure, .isTrue, message: "full") }
        let patch = patch(to: wanted)
        let expected: JSONValue = [
            "type": "DiskPressure", "status": "True", "reason": "KubeletHasNoDiskPressure", "message": "full",
            "lastHeartbeatTime": "2026-11-21T00:53:52Z", "lastTransitionTime": "2026-11-21T00:49:52Z",
        ]
        #expect(patch.body["status", "conditions"]?.elements?[1] == expected)
        #expect(patch.change?["status", "conditions"]?.elements?.count == 1)
        #expect(patch.change?["status", "conditions"]?.elements?[0]["lastHeartbeatTime"] == nil)
        #expect(patch.flips.map(\.condition.type) == ["DiskPressure"])
        #expect(patch.flips.map(\.previous) == ["False"])
    }

    @Test("A message that changes is sent alone, as the kubelet does; the time of the last transition is the Node's")
    func message() {
        let wanted = document { node in
            node.status.conditions?[3].message = "else"
            // An agent that has just been started knows of no transition before.
            node.status.conditions?[3].lastTransitionTime = later
        }
        let ready = patch(to: wanted).body["status", "conditions"]?.elements?.last
        #expect(ready == ["type": "Ready", "message": "else", "lastHeartbeatTime": "2026-11-21T00:53:52Z"])
    }

    @Test("What the control plane set to Unknown is set right again")
    func nodeLifecycle() {
        let node = known { node in
            node["status", "conditions"] = .array(
                (node["status", "conditions"]?.elements ?? []).map { condition in
                    var condition = condition
                    condition["status"] = "Unknown"
                    condition["reason"] = "NodeStatusUnknown"
                    condition["message"] = "Kubelet stopped posting node status."
                    return condition
                })
        }
        let patch = patch(from: node)
        #expect(patch.change?["status", "conditions"]?.elements?.count == 4)
        #expect(patch.flips.count == 4)
        let merged = StrategicMerge.apply(patch.body, to: node)
        #expect(merged.condition("Ready")?["status"] == "True")
        #expect(merged.condition("Ready")?["lastTransitionTime"] == "2026-11-21T00:48:52Z")
    }

    @Test("Amounts are compared as amounts")
    func quantities() {
        let node = known { $0["status", "capacity", "memory"] = .string("\(24_684_092 << 10)") }
        #expect(patch(from: node).change == nil)
        let wanted = document { $0.status.capacity?["cpu"] = Quantity(count: 4) }
        #expect(patch(to: wanted).change == ["status": ["capacity": ["cpu": "4"]]])
    }

    @Test("Huge pages of a size that is gone are removed; resources that others advertise stay")
    func removedResources() {
        let node = known { node in
            node["status", "capacity", "hugepages-1Gi"] = "2Gi"
            node["status", "capacity", "example.com/dongle"] = "4"
        }
        #expect(patch(from: node).change == ["status": ["capacity": ["hugepages-1Gi": .null]]])
    }

    @Test("Changed addresses replace the whole list, two of one type included")
    func addresses() {
        let wanted = document { node in
            node.status.addresses?.insert(NodeAddress(type: .internalIP, address: "2001:db8::2"), at: 1)
        }
        let patch = patch(to: wanted)
        let expected: JSONValue = [
            ["type": "InternalIP", "address": "192.0.2.2"], ["type": "InternalIP", "address": "2001:db8::2"],
            ["type": "Hostname", "address": "node1"], ["$patch": "replace"],
        ]
        #expect(patch.change?["status", "addresses"] == expected)
        let merged = StrategicMerge.apply(patch.body, to: known())
        #expect(merged["status", "addresses"]?.elements?.count == 3)
        let none = known { $0["status", "addresses"] = nil }
        let first = StatusPatch(from: none, to: wanted, withImages: false, date: later)
        #expect(first.change?["status", "addresses"]?.elements?.contains { $0["$patch"] != nil } == false)
    }

    @Test("Where no address is known, the Node keeps those it has")
    func unknownAddresses() {
        #expect(patch(to: document { $0.status.addresses = nil }).change == nil)
    }

    @Test("Swap that was switched off is removed; empty texts that a server leaves out are none")
    func systemInformation() {
        let node = known { node in
            node["status", "nodeInfo", "swap"] = ["capacity": 1_024]
            node["status", "nodeInfo", "kubeProxyVersion"] = nil
        }
        #expect(patch(from: node).change == ["status": ["nodeInfo": ["swap": .null]]])
        let wanted = document { $0.status.nodeInfo.kernelVersion = "7.0" }
        #expect(patch(to: wanted).change == ["status": ["nodeInfo": ["kernelVersion": "7.0"]]])
    }

    @Test("Images go only along with the periodic report")
    func images() {
        let wanted = document { $0.status.images = [ContainerImage(names: ["a"], sizeBytes: 1)] }
        #expect(patch(to: wanted).change == nil)
        #expect(
            patch(to: wanted, withImages: true).change
                == ["status": ["images": [["names": ["a"], "sizeBytes": 1]]]])
        let none = document { $0.status.images = nil }
        #expect(patch(to: none, withImages: true).change == ["status": ["images": .null]])
        #expect(patch(to: none).change == nil)
    }

    @Test("Labels and marks ride along; what others have added stays")
    func metadata() {
        let node = known { node in
            node["metadata", "labels", "other"] = "x"
            node["metadata", "annotations", "other"] = "y"
        }
        let wanted = document { node in
            node.metadata.labels?["kubernetes.io/hostname"] = "node-1"
            node.metadata.labels?["team"] = "blue"
        }
        #expect(
            patch(from: node, to: wanted).change
                == ["metadata": ["labels": ["kubernetes.io/hostname": "node-1", "team": "blue"]]])
    }

    @Test("Neither spec nor resourceVersion nor name is in it")
    func nothingElse() throws {
        let wanted = document { node in
            node.spec = NodeSpecObject(providerID: "x", taints: [Taint(key: "a", effect: .noSchedule)])
            node.set(.ready, .isFalse)
        }
        let body = patch(to: wanted, withImages: true).body
        #expect(Set((body.fields ?? [:]).keys) == ["status"])
        #expect(body["metadata"] == nil)
    }

    @Test("A companion's patch has its own conditions and nothing else")
    func companion() throws {
        let settings = settings(.companion)
        let wanted = document(settings) { $0.set(.memoryPressure, .isTrue) }
        let patch = patch(to: wanted, withImages: true)
        #expect(Set((patch.body["status"]?.fields ?? [:]).keys) == ["conditions"])
        #expect(patch.body["metadata"] == nil)
        let types = patch.body["status", "conditions"]?.elements?.compactMap { $0["type"]?.text }
        #expect(
            types == ["nodekeep.dev/MemoryPressure", "nodekeep.dev/DiskPressure", "nodekeep.dev/PIDPressure"])
        let merged = StrategicMerge.apply(patch.body, to: known())
        #expect(merged["status", "conditions"]?.elements?.count == 7)
        #expect(merged.condition("MemoryPressure") == known().condition("MemoryPressure"))
        #expect(merged.condition("Ready") == known().condition("Ready"))
    }

    @Test("After its patch a node is as it was wanted")
    func roundTrip() {
        let wanted = document { node in
            node.set(.ready, .isFalse)
            node.set(.diskPressure, .isTrue)
            node.status.capacity?["cpu"] = Quantity(milliUnits: 1_500)
            node.status.capacity?["hugepages-2Mi"] = nil
            node.status.addresses = [NodeAddress(type: .hostname, address: "other")]
            node.status.nodeInfo.swap = .init(capacity: 7)
            node.status.features = NodeFeatures(supplementalGroupsPolicy: true)
            node.metadata.labels?["new"] = "one"
        }
        let merged = StrategicMerge.apply(patch(to: wanted).body, to: known())
        #expect(StatusPatch(from: merged, to: wanted, withImages: true, date: later).change == nil)
    }
}

@Suite("What is to be said of a node")
struct NodeDocumentTests {
    @Test("It is registered with our mark, the taint that keeps pods away and the configured ones")
    func registration() {
        let wanted = document { $0.spec.taints = [Taint(key: "example.com/a", value: "b", effect: .noSchedule)] }
        let node = wanted.node(date: later)
        #expect(node["metadata", "annotations", "nodekeep.dev/installation"] == "i-1")
        #expect(node["metadata", "labels", "kubernetes.io/os"] == "linux")
        #expect(
            node["spec", "taints"] == [
                ["key": "example.com/a", "value": "b", "effect": "NoSchedule"],
                ["key": "nodekeep.dev/no-pods", "effect": "NoExecute"],
            ])
        let roomy = document { $0.status.capacity?["pods"] = Quantity(count: 110) }.node(date: later)
        #expect(roomy["status", "capacity", "pods"] == "0")
        #expect(roomy["status", "allocatable", "pods"] == "0")
        #expect(node.condition("Ready")?["lastHeartbeatTime"] == "2026-11-21T00:53:52Z")
        #expect(node.condition("Ready")?["lastTransitionTime"] == "2026-11-21T00:48:52Z")
        let own = document { $0.spec.taints = [Ownership.noPodsTaint] }
        #expect(own.node(date: later)["spec", "taints"]?.elements?.count == 1)
    }

    @Test("A file has the taints that are configured and no other")
    func file() {
        #expect(document(settings(.none)).node(date: later)["spec"] == [:])
    }

    @Test("A machine that is about to be switched off is not ready, in the kubelet's words")
    func shutdown() {
        let ready = document(shutdown: later).conditions.last
        #expect(ready?.status == .isFalse)
        #expect(ready?.reason == "KubeletNotReady")
        #expect(ready?.message == "node is shutting down")
        #expect(ready?.lastTransitionTime == later)
        #expect(document(settings(.none), shutdown: later).conditions.last?.reason == "NodekeepNotReady")
        #expect(document(settings(.companion), shutdown: later) == document(settings(.companion)))
    }

    @Test("What was wrong before stays said", arguments: ["a", "[a, b]"])
    func shutdownWithProblems(_ message: String) {
        let wanted = document(shutdown: later) { $0.set(.ready, .isFalse, message: message) }
        #expect(
            wanted.conditions.last?.message == (message == "a" ? "[a, " : "[a, b, ") + "node is shutting down]")
        let noticed = document(shutdown: later) { $0.set(.ready, .isFalse, message: "node is shutting down") }
        #expect(noticed.conditions.last?.message == "node is shutting down")
    }

    @Test("Prefixes of a companion's conditions")
    func prefixes() {
        for good in ["nodekeep.dev/", "Nodekeep", "Mine-", "x.example.com/"] {
            #expect(ConditionPrefix.problem(good) == nil, "\(good)")
        }
        for bad in ["", "kubernetes.io/", "node.kubernetes.io/", "k8s.io/", "a/b", "a/b/", "-", "A.com/", "/"] {
            #expect(ConditionPrefix.problem(bad) != nil, "\(bad)")
        }
    }
}
