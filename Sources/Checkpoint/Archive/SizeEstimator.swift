// SPDX-License-Identifier: Apache-2.0

/// How a runtime writes a checkpoint, and where.
package enum CheckpointLayout: Equatable, Sendable {
    /// containerd 2.x: images into its temporary directory, a blob of them and of the writable layer into the content
    /// store below its root, the blob unpacked below its root again, the archive. The temporary images are gone before
    /// the blob is unpacked.
    case containerd(root: String, temporary: String)
    /// CRI-O: images, layer and log into the container's directory below its storage, then the archive.
    case crio(storage: String)
    /// Nothing is known of it: only the archive is counted.
    case other
}

/// Estimates what a dump will write, before anything is touched.
package enum SizeEstimator {
    /// CRIU writes the memory of a container as it is, and beside it for each run of pages 18 bytes into the pagemap
    /// and two lines into its log, which goes into the archive as well. Where only every second page is used that was
    /// seen to be a twentieth of the memory (5.4 MB beside 111 MB); a sixteenth and a megabyte are above it.
    private static let overheadDivisor: UInt64 = 16
    private static let overhead: UInt64 = 1 << 20
    /// A dozen images for each process, most of them below 4 KB.
    private static let processOverhead: UInt64 = 64 << 10

    /// - Parameters:
    ///   - memory: of the container's cgroup, or what the runtime says of it.
    ///   - writableLayer: bytes of the container's writable layer. What containerd writes of it is compressed; how
    ///     well, nobody knows before.
    ///   - log: bytes of the container's log file, which goes into the archive.
    ///   - destination: the directory that the archive is written to.
    ///   - isSameFileSystem: of two directories.
    /// - Returns: what every file system must hold at the same time.
    package static func estimate(
        memory: MemoryUse, writableLayer: UInt64, log: UInt64, layout: CheckpointLayout, destination: String,
        isSameFileSystem: (String, String) -> Bool
    ) -> SizeEstimate {
        let pages = memory.anonymous.addingClamped(memory.shared).addingClamped(memory.swap)
        let images = pages.addingClamped(pages / overheadDivisor).addingClamped(overhead)
            .addingClamped(memory.processes.multipliedClamped(by: processOverhead))
        let layered = images.addingClamped(writableLayer)
        let archive = layered.addingClamped(log)
        var charges: [SizeEstimate.Charge] = []
        switch layout {
        case .containerd(let root, let temporary):
            charges.append(
                .init(
                    directory: root, bytes: layered.multipliedClamped(by: 2).addingClamped(log),
                    purpose: "the runtime's copies"))
            // Gone before the copies and the archive are written, so that it is no more than those.
            if !isSameFileSystem(temporary, root), !isSameFileSystem(temporary, destination) {
                charges.append(.init(directory: temporary, bytes: images, purpose: "CRIU's images"))
            }
        case .crio(let storage):
            charges.append(.init(directory: storage, bytes: archive, purpose: "the runtime's copy"))
        case .other: break
        }
        charges.append(.init(directory: destination, bytes: archive, purpose: "the archive"))
        return SizeEstimate(
            memory: memory.anonymous.addingClamped(memory.shared), swap: memory.swap, writableLayer: writableLayer,
            log: log, charges: charges)
    }
}
