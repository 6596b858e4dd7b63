// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus

@testable import Heartbeat

/// 2026-11-21T00:48:52Z, when the kubelet's Node was recorded.
let start = Timestamp(seconds: 1_795_222_132)

func settings(_ role: HeartbeatRole = .node) -> HeartbeatSettings {
    HeartbeatSettings(role: role, nodeName: "node1", installation: "i-1", version: "1.2.3")
}

/// Chance that is none.
let never: RandomSource = { 0 }
let half: RandomSource = { 0.5 }

func failure(_ cause: HeartbeatResult, retryAfter: Duration? = nil) -> HeartbeatFailure {
    HeartbeatFailure(cause, "test: \(cause.rawValue)", retryAfter: retryAfter)
}

/// A machine's time: what passes, and what the wall clock makes of it.
struct Watch {
    var now: Duration = .seconds(1_000)
    var offset: Int64 = 0

    var date: Timestamp {
        let (seconds, attoseconds) = now.components
        return Timestamp(
            seconds: start.seconds - 1_000 + seconds + offset, nanoseconds: Int32(attoseconds / 1_000_000_000))
    }
}

func condition(
    _ type: ConditionType, _ status: ConditionStatus, reason: String = "R", message: String = "m",
    since: Timestamp = start
) -> NodeCondition {
    NodeCondition(
        type: type, status: status, lastHeartbeatTime: since, lastTransitionTime: since, reason: reason,
        message: message)
}

/// The node that was recorded, as nodekeep would say it.
func nodeObject(_ change: (inout NodeObject) -> Void = { _ in }) -> NodeObject {
    var node = NodeObject(
        metadata: NodeMetadata(
            name: "node1", labels: ["kubernetes.io/hostname": "node1", "kubernetes.io/os": "linux"]),
        spec: NodeSpecObject(),
        status: NodeStatusObject(
            capacity: [
                "cpu": Quantity(count: 2), "memory": Quantity(bytes: 24_684_092 << 10), "pods": Quantity(count: 0),
                "hugepages-2Mi": Quantity(bytes: 0),
            ],
            allocatable: [
                "cpu": Quantity(count: 2), "memory": Quantity(bytes: 24_581_692 << 10), "pods": Quantity(count: 0),
                "hugepages-2Mi": Quantity(bytes: 0),
            ],
            conditions: [
                condition(
                    .memoryPressure, .isFalse, reason: "KubeletHasSufficientMemory",
                    message: "kubelet has sufficient memory available"),
                condition(
                    .diskPressure, .isFalse, reason: "KubeletHasNoDiskPressure",
                    message: "kubelet has no disk pressure"),
                condition(
                    .pidPressure, .isFalse, reason: "KubeletHasSufficientPID",
                    message: "kubelet has sufficient PID available"),
                condition(.ready, .isTrue, reason: "KubeletReady", message: "kubelet is posting ready status"),
            ],
            addresses: [
                NodeAddress(type: .internalIP, address: "192.0.2.2"), NodeAddress(type: .hostname, address: "node1"),
            ],
            daemonEndpoints: DaemonEndpoints(kubeletEndpoint: .init(port: 10_280)),
            nodeInfo: NodeSystemInfo(
                machineID: "", systemUUID: "", bootID: "19d74b10-b4ed-4064-974f-5267e62124b8",
                kernelVersion: "6.18.44-fc-v657", osImage: "Debian GNU/Linux forky/sid",
                containerRuntimeVersion: "containerd://2.1.9+unknown", kubeletVersion: "v1.36.2",
                architecture: "amd64", swap: nil),
            images: [ContainerImage(names: ["docker.io/library/hog:latest"], sizeBytes: 2_765_476)]))
    change(&node)
    return node
}

func document(
    _ settings: HeartbeatSettings = settings(), shutdown: Timestamp? = nil,
    _ change: (inout NodeObject) -> Void = { _ in }
) -> NodeDocument {
    NodeDocument(nodeObject(change), settings, shutdown: shutdown)
}

extension NodeObject {
    mutating func set(_ type: ConditionType, _ status: ConditionStatus, message: String = "changed") {
        guard let index = self.status.conditions?.firstIndex(where: { $0.type == type }) else { return }
        self.status.conditions?[index].status = status
        self.status.conditions?[index].message = message
        self.status.conditions?[index].lastTransitionTime = Timestamp(seconds: start.seconds + 60)
    }
}

extension JSONValue {
    func condition(_ type: String) -> JSONValue? {
        self["status", "conditions"]?.elements?.first { $0["type"]?.text == type }
    }
}
