// SPDX-License-Identifier: Apache-2.0

/// What the runtime says, as plain values: generated messages stay inside this room.

/// VersionResponse.
package struct RuntimeVersion: Equatable, Sendable {
    /// `containerd`, `cri-o`, `docker`.
    package var name: String
    /// `v2.1.9`
    package var version: String
    package var apiVersion: String

    package init(name: String, version: String, apiVersion: String) {
        self.name = name
        self.version = version
        self.apiVersion = apiVersion
    }
}

/// StatusResponse.
package struct RuntimeStatus: Equatable, Sendable {
    package struct Condition: Equatable, Sendable {
        package var type: String
        package var isTrue: Bool
        package var reason: String
        package var message: String

        package init(type: String, isTrue: Bool, reason: String, message: String) {
            self.type = type
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    package struct Handler: Equatable, Sendable {
        /// Empty: the default handler.
        package var name: String
        package var recursiveReadOnlyMounts: Bool
        package var userNamespaces: Bool

        package init(name: String, recursiveReadOnlyMounts: Bool, userNamespaces: Bool) {
            self.name = name
            self.recursiveReadOnlyMounts = recursiveReadOnlyMounts
            self.userNamespaces = userNamespaces
        }
    }

    package var conditions: [Condition] = []
    package var handlers: [Handler] = []
    /// nil: the runtime says nothing of features.
    package var supplementalGroupsPolicy: Bool?
    /// The verbose answer: JSON texts by key.
    package var info: [String: String] = [:]

    package init() {}
}

package struct Sandbox: Equatable, Sendable {
    package var id: String
    package var name: String
    package var uid: String
    package var namespace: String
    package var attempt: UInt32
    package var isReady: Bool
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var labels: [String: String]

    package init(
        id: String, name: String, uid: String, namespace: String, attempt: UInt32, isReady: Bool, createdAt: Int64,
        labels: [String: String]
    ) {
        self.id = id
        self.name = name
        self.uid = uid
        self.namespace = namespace
        self.attempt = attempt
        self.isReady = isReady
        self.createdAt = createdAt
        self.labels = labels
    }
}

package enum ContainerState: String, Sendable, CaseIterable {
    case created = "CONTAINER_CREATED"
    case running = "CONTAINER_RUNNING"
    case exited = "CONTAINER_EXITED"
    case unknown = "CONTAINER_UNKNOWN"
}

package struct Container: Equatable, Sendable {
    package var id: String
    package var sandboxID: String
    package var name: String
    package var attempt: UInt32
    package var image: String
    package var state: ContainerState
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var labels: [String: String]

    package init(
        id: String, sandboxID: String, name: String, attempt: UInt32, image: String, state: ContainerState,
        createdAt: Int64, labels: [String: String]
    ) {
        self.id = id
        self.sandboxID = sandboxID
        self.name = name
        self.attempt = attempt
        self.image = image
        self.state = state
        self.createdAt = createdAt
        self.labels = labels
    }
}

/// ContainerStatusResponse, as far as it is used.
package struct ContainerDetails: Equatable, Sendable {
    package var id: String
    package var state: ContainerState
    package var image: String
    package var startedAt: Int64
    package var logPath: String
    /// From the verbose answer; nil: the runtime did not say.
    package var processID: Int32?
    /// `linux.cgroupsPath` of the runtime spec, as the runtime has it (systemd form `slice:prefix:name` or a path).
    package var cgroupsPath: String?
    package var labels: [String: String]

    package init(
        id: String, state: ContainerState, image: String, startedAt: Int64, logPath: String, processID: Int32?,
        cgroupsPath: String?, labels: [String: String]
    ) {
        self.id = id
        self.state = state
        self.image = image
        self.startedAt = startedAt
        self.logPath = logPath
        self.processID = processID
        self.cgroupsPath = cgroupsPath
        self.labels = labels
    }
}

/// ContainerStats; nil: the runtime did not say. Bytes, nanoseconds.
package struct ContainerUsage: Equatable, Sendable {
    package var id: String
    package var name: String
    package var labels: [String: String]
    package var cpuTimestamp: Int64?
    package var cpuNanoseconds: UInt64?
    package var memoryTimestamp: Int64?
    package var workingSet: UInt64?
    package var memoryUsage: UInt64?
    package var rss: UInt64?
    package var swapTimestamp: Int64?
    package var swapUsage: UInt64?
    package var swapAvailable: UInt64?
    package var writableLayer: UInt64?

    package init(id: String, name: String, labels: [String: String]) {
        self.id = id
        self.name = name
        self.labels = labels
    }
}

/// PodSandboxStats, Linux part; nil: the runtime did not say.
package struct SandboxUsage: Equatable, Sendable {
    package var id: String
    package var name: String
    package var namespace: String
    package var uid: String
    package var cpuTimestamp: Int64?
    package var cpuNanoseconds: UInt64?
    package var memoryTimestamp: Int64?
    package var workingSet: UInt64?
    package var swapTimestamp: Int64?
    package var swapUsage: UInt64?

    package init(id: String, name: String, namespace: String, uid: String) {
        self.id = id
        self.name = name
        self.namespace = namespace
        self.uid = uid
    }
}

/// FilesystemUsage.
package struct RuntimeFileSystem: Equatable, Sendable {
    package var mountpoint: String
    package var usedBytes: UInt64?
    package var usedInodes: UInt64?

    package init(mountpoint: String, usedBytes: UInt64?, usedInodes: UInt64?) {
        self.mountpoint = mountpoint
        self.usedBytes = usedBytes
        self.usedInodes = usedInodes
    }
}

package struct RuntimeImage: Equatable, Sendable {
    package var id: String
    package var tags: [String]
    package var digests: [String]
    /// Bytes.
    package var size: UInt64
    package var isPinned: Bool

    package init(id: String, tags: [String], digests: [String], size: UInt64, isPinned: Bool) {
        self.id = id
        self.tags = tags
        self.digests = digests
        self.size = size
        self.isPinned = isPinned
    }
}

package enum CgroupDriver: String, Sendable {
    case systemd
    case cgroupfs
}

/// ContainerEventResponse.
package struct ContainerEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case created, started, stopped, deleted
        case other(Int)
    }

    package var containerID: String
    package var kind: Kind
    package var createdAt: Int64

    package init(containerID: String, kind: Kind, createdAt: Int64) {
        self.containerID = containerID
        self.kind = kind
        self.createdAt = createdAt
    }
}

/// containerd's view of a task (containerd.v1.types.Process).
package struct ContainerdTask: Equatable, Sendable {
    package enum Status: String, Sendable {
        case unknown = "UNKNOWN"
        case created = "CREATED"
        case running = "RUNNING"
        case stopped = "STOPPED"
        case paused = "PAUSED"
        case pausing = "PAUSING"
    }

    package var processID: UInt32
    package var status: Status

    package init(processID: UInt32, status: Status) {
        self.processID = processID
        self.status = status
    }
}

/// One of containerd's events about a task (containerd.types.Envelope).
package struct ContainerdTaskEvent: Equatable, Sendable {
    /// `/tasks/paused`, `/tasks/resumed`, `/tasks/checkpointed`, `/tasks/exit`, `/tasks/start`, `/tasks/delete`.
    package var topic: String
    package var containerID: String
    /// Nanoseconds since 1970, by containerd's clock.
    package var timestamp: Int64

    package init(topic: String, containerID: String, timestamp: Int64) {
        self.topic = topic
        self.containerID = containerID
        self.timestamp = timestamp
    }
}
