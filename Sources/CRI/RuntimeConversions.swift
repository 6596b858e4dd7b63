// SPDX-License-Identifier: Apache-2.0
internal import SwiftProtobuf

// From the generated messages to plain values. Whatever a runtime sends, something comes out: what is missing is nil
// where the value allows for it and empty or zero elsewhere, as proto3 has it.

extension RuntimeVersion {
    init(_ message: Runtime_V1_VersionResponse) {
        self.init(
            name: message.runtimeName.bounded(), version: message.runtimeVersion.bounded(),
            apiVersion: message.runtimeApiVersion.bounded())
    }
}

extension RuntimeStatus {
    init(_ message: Runtime_V1_StatusResponse) {
        self.init()
        conditions = message.status.conditions.map {
            Condition(
                type: $0.type.bounded(), isTrue: $0.status, reason: $0.reason.bounded(), message: $0.message.bounded())
        }
        handlers = message.runtimeHandlers.map {
            Handler(
                name: $0.name.bounded(), recursiveReadOnlyMounts: $0.features.recursiveReadOnlyMounts,
                userNamespaces: $0.features.userNamespaces)
        }
        supplementalGroupsPolicy = message.hasFeatures ? message.features.supplementalGroupsPolicy : nil
        info = message.info
    }
}

extension Sandbox {
    init(_ message: Runtime_V1_PodSandbox) {
        self.init(
            id: message.id.bounded(), name: message.metadata.name.bounded(), uid: message.metadata.uid.bounded(),
            namespace: message.metadata.namespace.bounded(), attempt: message.metadata.attempt,
            isReady: message.state == .sandboxReady, createdAt: message.createdAt, labels: message.labels.bounded())
    }
}

extension ContainerState {
    init(_ state: Runtime_V1_ContainerState) {
        self =
            switch state {
            case .containerCreated: .created
            case .containerRunning: .running
            case .containerExited: .exited
            case .containerUnknown, .UNRECOGNIZED: .unknown
            }
    }
}

extension Runtime_V1_ImageSpec {
    /// As the pod's author wrote it, where the runtime keeps that.
    fileprivate var name: String { (userSpecifiedImage.isEmpty ? image : userSpecifiedImage).bounded() }
}

extension Container {
    init(_ message: Runtime_V1_Container) {
        self.init(
            id: message.id.bounded(), sandboxID: message.podSandboxID.bounded(), name: message.metadata.name.bounded(),
            attempt: message.metadata.attempt, image: message.image.name, state: ContainerState(message.state),
            createdAt: message.createdAt, labels: message.labels.bounded())
    }
}

extension ContainerDetails {
    init(_ message: Runtime_V1_ContainerStatusResponse) {
        let status = message.status
        let information = ContainerInformation(json: message.info["info"])
        self.init(
            id: status.id.bounded(), state: ContainerState(status.state), image: status.image.name,
            startedAt: status.startedAt, logPath: status.logPath.bounded(), processID: information.processID,
            cgroupsPath: information.cgroupsPath, labels: status.labels.bounded())
    }
}

extension ContainerUsage {
    init(_ message: Runtime_V1_ContainerStats) {
        self.init(
            id: message.attributes.id.bounded(), name: message.attributes.metadata.name.bounded(),
            labels: message.attributes.labels.bounded())
        if message.hasCpu {
            cpuTimestamp = message.cpu.timestamp
            cpuNanoseconds = message.cpu.hasUsageCoreNanoSeconds ? message.cpu.usageCoreNanoSeconds.value : nil
        }
        if message.hasMemory {
            memoryTimestamp = message.memory.timestamp
            workingSet = message.memory.hasWorkingSetBytes ? message.memory.workingSetBytes.value : nil
            memoryUsage = message.memory.hasUsageBytes ? message.memory.usageBytes.value : nil
            rss = message.memory.hasRssBytes ? message.memory.rssBytes.value : nil
        }
        if message.hasSwap {
            swapTimestamp = message.swap.timestamp
            swapUsage = message.swap.hasSwapUsageBytes ? message.swap.swapUsageBytes.value : nil
            swapAvailable = message.swap.hasSwapAvailableBytes ? message.swap.swapAvailableBytes.value : nil
        }
        if message.hasWritableLayer {
            writableLayer = message.writableLayer.hasUsedBytes ? message.writableLayer.usedBytes.value : nil
        }
    }
}

extension SandboxUsage {
    init(_ message: Runtime_V1_PodSandboxStats) {
        let metadata = message.attributes.metadata
        self.init(
            id: message.attributes.id.bounded(), name: metadata.name.bounded(), namespace: metadata.namespace.bounded(),
            uid: metadata.uid.bounded())
        let linux = message.linux
        if linux.hasCpu {
            cpuTimestamp = linux.cpu.timestamp
            cpuNanoseconds = linux.cpu.hasUsageCoreNanoSeconds ? linux.cpu.usageCoreNanoSeconds.value : nil
        }
        if linux.hasMemory {
            memoryTimestamp = linux.memory.timestamp
            workingSet = linux.memory.hasWorkingSetBytes ? linux.memory.workingSetBytes.value : nil
        }
        // As the kubelet does: the sum over the containers.
        for container in linux.containers where container.hasSwap && container.swap.hasSwapUsageBytes {
            swapTimestamp = max(swapTimestamp ?? .min, container.swap.timestamp)
            let (sum, isTooMuch) = (swapUsage ?? 0).addingReportingOverflow(container.swap.swapUsageBytes.value)
            swapUsage = isTooMuch ? .max : sum
        }
    }
}

extension RuntimeFileSystem {
    init(_ message: Runtime_V1_FilesystemUsage) {
        self.init(
            mountpoint: message.fsID.mountpoint.bounded(),
            usedBytes: message.hasUsedBytes ? message.usedBytes.value : nil,
            usedInodes: message.hasInodesUsed ? message.inodesUsed.value : nil)
    }
}

extension RuntimeImage {
    init(_ message: Runtime_V1_Image) {
        self.init(
            id: message.id.bounded(), tags: message.repoTags.map { $0.bounded() },
            digests: message.repoDigests.map { $0.bounded() }, size: message.size, isPinned: message.pinned)
    }
}

extension CgroupDriver {
    init?(_ driver: Runtime_V1_CgroupDriver) {
        switch driver {
        case .systemd: self = .systemd
        case .cgroupfs: self = .cgroupfs
        case .UNRECOGNIZED: return nil
        }
    }
}

extension ContainerEvent {
    init(_ message: Runtime_V1_ContainerEventResponse) {
        let kind: Kind =
            switch message.containerEventType {
            case .containerCreatedEvent: .created
            case .containerStartedEvent: .started
            case .containerStoppedEvent: .stopped
            case .containerDeletedEvent: .deleted
            case .UNRECOGNIZED(let number): .other(number)
            }
        self.init(containerID: message.containerID.bounded(), kind: kind, createdAt: message.createdAt)
    }
}

extension ContainerdTask {
    init(_ process: Containerd_Services_Tasks_V1_Process) {
        let status: Status =
            switch process.status {
            case .created: .created
            case .running: .running
            case .stopped: .stopped
            case .paused: .paused
            case .pausing: .pausing
            case .unknown, .UNRECOGNIZED: .unknown
            }
        self.init(processID: process.pid, status: status)
    }
}

extension ContainerdTaskEvent {
    /// nil: not an event of a container.
    init?(_ envelope: Containerd_Services_Events_V1_Envelope) {
        let containerID = envelope.event.value.containerID
        let isKnown = envelope.topic.hasPrefix("/tasks/") || envelope.topic == "/images/create"
        guard isKnown, !containerID.isEmpty else { return nil }
        let (seconds, overflow) = envelope.timestamp.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (nanoseconds, overflowToo) = seconds.addingReportingOverflow(Int64(envelope.timestamp.nanos))
        self.init(
            topic: envelope.topic.bounded(), containerID: containerID.bounded(),
            timestamp: overflow || overflowToo ? 0 : nanoseconds)
    }
}
