// SPDX-License-Identifier: Apache-2.0

/// What a threshold can be set on (pkg/kubelet/eviction/api/types.go).
package enum EvictionSignal: String, Codable, Sendable, CaseIterable {
    case memoryAvailable = "memory.available"
    /// Of the cgroup that holds all pods. nodekeep runs no pods, so it never has a value.
    case allocatableMemoryAvailable = "allocatableMemory.available"
    case nodefsAvailable = "nodefs.available"
    case nodefsInodesFree = "nodefs.inodesFree"
    case imagefsAvailable = "imagefs.available"
    case imagefsInodesFree = "imagefs.inodesFree"
    case containerfsAvailable = "containerfs.available"
    case containerfsInodesFree = "containerfs.inodesFree"
    case pidAvailable = "pid.available"

    /// The condition that it drives.
    package var condition: ConditionType {
        switch self {
        case .memoryAvailable, .allocatableMemoryAvailable: .memoryPressure
        case .nodefsAvailable, .nodefsInodesFree, .imagefsAvailable, .imagefsInodesFree, .containerfsAvailable,
            .containerfsInodesFree:
            .diskPressure
        case .pidAvailable: .pidPressure
        }
    }

    /// Bytes; otherwise inodes or tasks.
    package var isInBytes: Bool {
        switch self {
        case .memoryAvailable, .allocatableMemoryAvailable, .nodefsAvailable, .imagefsAvailable, .containerfsAvailable:
            true
        case .nodefsInodesFree, .imagefsInodesFree, .containerfsInodesFree, .pidAvailable: false
        }
    }

    /// An amount in the format that this signal is counted in.
    package func quantity(_ amount: UInt64) -> Quantity {
        isInBytes ? Quantity(bytes: amount) : Quantity(count: amount)
    }
}
