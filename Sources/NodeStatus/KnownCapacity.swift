// SPDX-License-Identifier: Apache-2.0

/// What the node has, as it was last read.
///
/// A disk that hangs is still there, and so is its size: without this a hung nodefs would take `ephemeral-storage` out
/// of the capacity, Ready with it, and the control plane would evict every pod of the node. What is available of it is
/// another matter: that is never remembered.
package struct KnownCapacity: Equatable, Sendable {
    /// Logical CPUs.
    package var cpus: UInt64?
    /// Bytes.
    package var memory: UInt64?
    /// Bytes of the file system that holds the root directory; to be forgotten when that is another directory.
    package var nodeFileSystem: UInt64?
    package var hugePages: [HugePagePool]?

    package init() {}

    /// Takes over what this snapshot has.
    package mutating func learn(from snapshot: NodeSnapshot) {
        cpus = snapshot.topology.value?.logical ?? cpus
        memory = snapshot.memory.value?.total ?? memory
        nodeFileSystem = snapshot.nodeFileSystem.value?.capacity ?? nodeFileSystem
        hugePages = snapshot.hugePages.value ?? hugePages
    }
}
