// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// A file system as it is now. Bytes.
package struct FileSystemSpace: Equatable, Sendable {
    /// What is the same for two directories of one file system: `8:1`.
    package var device: String
    /// For people: a directory in it, or its mount point.
    package var name: String
    /// What a program may still write.
    package var available: UInt64
    package var capacity: UInt64
    /// What must remain: the strictest threshold that applies to it.
    package var reserve: UInt64
    /// A tmpfs: whatever is written there is memory.
    package var isMemory: Bool

    package init(
        device: String, name: String, available: UInt64, capacity: UInt64, reserve: UInt64, isMemory: Bool = false
    ) {
        self.device = device
        self.name = name
        self.available = available
        self.capacity = capacity
        self.reserve = reserve
        self.isMemory = isMemory
    }
}

/// A file system, or memory, that a dump does not fit into. Bytes.
package struct Shortage: Error, Equatable, Sendable, CustomStringConvertible {
    package var space: FileSystemSpace
    package var needed: UInt64
    /// Promised to dumps that are waiting or under way.
    package var promised: UInt64
    /// What lands there.
    package var purposes: [String]

    package var description: String {
        let what = purposes.joined(separator: " and ")
        let others = promised == 0 ? "" : ", \(ReadableAmount.bytes(promised)) of it are promised to other checkpoints"
        let remaining = space.reserve == 0 ? "" : ", and \(ReadableAmount.bytes(space.reserve)) must remain free"
        return "\(space.name) has no room for \(what): \(ReadableAmount.bytes(needed)) are needed, "
            + "\(ReadableAmount.bytes(space.available)) of \(ReadableAmount.bytes(space.capacity)) are free\(others)\(remaining)"
    }
}

/// Why it cannot be told whether a dump fits.
package struct SpaceProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// What has been promised to dumps that are waiting or under way.
///
/// A plain value. Promises do not shrink while a dump writes: what it has written already is counted twice, as used and
/// as promised, until it is over. That refuses a dump now and then that would have fitted; the other way round a disk
/// would be full.
package struct SpaceLedger: Equatable, Sendable {
    /// What is known as memory has this device.
    private static let memoryDevice = "memory"

    private struct Promise: Equatable, Sendable {
        var device: String
        var bytes: UInt64
    }

    private var promises: [JobID: [Promise]] = [:]

    package init() {}

    /// The jobs that something is promised to.
    package var jobs: Set<JobID> { Set(promises.keys) }

    /// Bytes promised on a device.
    package func promised(on device: String, butTo job: JobID? = nil) -> UInt64 {
        promises.lazy.filter { $0.key != job }.flatMap(\.value).filter { $0.device == device }
            .reduce(0) { $0.addingClamped($1.bytes) }
    }

    /// What the estimate does not fit into, if anything. Promises nothing.
    ///
    /// - Parameters:
    ///   - job: what is promised to it already does not count.
    ///   - memory: the machine's memory, as a "file system" whose device is left to this type: what is free, and what
    ///     must remain. Charged with what lands in a tmpfs; nil where it is not known, and then is not.
    ///   - probe: the file system of a directory, now.
    package func shortage(
        for estimate: SizeEstimate, of job: JobID? = nil, memory: FileSystemSpace?,
        probe: (_ directory: String) throws(SpaceProblem) -> FileSystemSpace
    ) throws(SpaceProblem) -> Shortage? {
        shortage(try needs(of: estimate, memory: memory, probe: probe), of: job)
    }

    /// Promises the estimate to a job, in the place of what was promised to it before, unless there is a shortage.
    package mutating func reserve(
        _ estimate: SizeEstimate, for job: JobID, memory: FileSystemSpace?,
        probe: (_ directory: String) throws(SpaceProblem) -> FileSystemSpace
    ) throws(SpaceProblem) -> Shortage? {
        let needs = try needs(of: estimate, memory: memory, probe: probe)
        if let shortage = shortage(needs, of: job) { return shortage }
        promises[job] = needs.map { Promise(device: $0.space.device, bytes: $0.bytes) }
        return nil
    }

    /// Promises the estimate to a job whether it fits or not, in the place of what was promised to it before.
    package mutating func promise(
        _ estimate: SizeEstimate, to job: JobID, memory: FileSystemSpace?,
        probe: (_ directory: String) throws(SpaceProblem) -> FileSystemSpace
    ) throws(SpaceProblem) {
        promises[job] = try needs(of: estimate, memory: memory, probe: probe).map {
            Promise(device: $0.space.device, bytes: $0.bytes)
        }
    }

    private func shortage(_ needs: [Need], of job: JobID?) -> Shortage? {
        for need in needs {
            let promised = promised(on: need.space.device, butTo: job)
            let taken = promised.addingClamped(need.space.reserve).addingClamped(need.bytes)
            if taken > need.space.available {
                return Shortage(space: need.space, needed: need.bytes, promised: promised, purposes: need.purposes)
            }
        }
        return nil
    }

    /// Nothing is promised to the job any more.
    package mutating func release(_ job: JobID) { promises[job] = nil }

    private struct Need {
        var space: FileSystemSpace
        var bytes: UInt64
        var purposes: [String]
    }

    /// All charges by file system, those in a tmpfs charged to memory as well.
    private func needs(
        of estimate: SizeEstimate, memory: FileSystemSpace?,
        probe: (_ directory: String) throws(SpaceProblem) -> FileSystemSpace
    ) throws(SpaceProblem) -> [Need] {
        var needs: [Need] = []
        func add(_ space: FileSystemSpace, _ charge: SizeEstimate.Charge) {
            if let index = needs.firstIndex(where: { $0.space.device == space.device }) {
                needs[index].bytes = needs[index].bytes.addingClamped(charge.bytes)
                if !needs[index].purposes.contains(charge.purpose) { needs[index].purposes.append(charge.purpose) }
            } else {
                needs.append(Need(space: space, bytes: charge.bytes, purposes: [charge.purpose]))
            }
        }
        for charge in estimate.charges {
            let space = try probe(charge.directory)
            add(space, charge)
            if space.isMemory, var memory {
                memory.device = Self.memoryDevice
                add(memory, charge)
            }
        }
        return needs
    }
}
