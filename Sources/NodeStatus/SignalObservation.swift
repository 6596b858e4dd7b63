// SPDX-License-Identifier: Apache-2.0

/// How much there is of something, and of how much: bytes, inodes or tasks.
package struct SignalAmount: Codable, Equatable, Sendable {
    package var available: UInt64
    package var capacity: UInt64

    package init(available: UInt64, capacity: UInt64) {
        self.available = available
        self.capacity = capacity
    }
}

/// What a snapshot says of one eviction signal (pkg/kubelet/eviction/helpers.go makeSignalObservations).
package struct SignalObservation: Equatable, Sendable {
    package var signal: EvictionSignal
    package var reading: Reading<SignalAmount>
    /// Why this node does not have the signal at all, which is not the same as not knowing it: a file system that makes
    /// inodes as it needs them, no container runtime, no cgroup for pods. Nil: it has it.
    package var inapplicable: String?

    package init(signal: EvictionSignal, reading: Reading<SignalAmount>, inapplicable: String? = nil) {
        self.signal = signal
        self.reading = reading
        self.inapplicable = inapplicable
    }

    /// All nine, in their order.
    ///
    /// `containerfs.*` is what a kubelet sees with a CRI runtime: the imagefs over again.
    package static func all(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> [SignalObservation] {
        EvictionSignal.allCases.map { signal in
            switch signal {
            case .memoryAvailable:
                SignalObservation(
                    signal: signal,
                    reading: snapshot.memory.map { SignalAmount(available: $0.available, capacity: $0.total) })
            case .allocatableMemoryAvailable:
                SignalObservation(
                    signal: signal, reading: .missing("nodekeep runs no pods"),
                    inapplicable: "nodekeep runs no pods, so there is no cgroup of theirs to measure")
            case .nodefsAvailable: space(signal, snapshot.nodeFileSystem)
            case .nodefsInodesFree: inodes(signal, snapshot.nodeFileSystem)
            case .imagefsAvailable, .containerfsAvailable:
                image(space(signal, snapshot.imageFileSystem), settings)
            case .imagefsInodesFree, .containerfsInodesFree:
                image(inodes(signal, snapshot.imageFileSystem), settings)
            case .pidAvailable:
                SignalObservation(
                    signal: signal,
                    reading: snapshot.processes.map { SignalAmount(available: $0.available, capacity: $0.maximum) })
            }
        }
    }

    private static func space(_ signal: EvictionSignal, _ usage: Reading<FileSystemUsage>) -> SignalObservation {
        SignalObservation(
            signal: signal, reading: usage.map { SignalAmount(available: $0.available, capacity: $0.capacity) })
    }

    private static func inodes(_ signal: EvictionSignal, _ usage: Reading<FileSystemUsage>) -> SignalObservation {
        var observation = SignalObservation(
            signal: signal, reading: usage.map { SignalAmount(available: $0.inodesFree, capacity: $0.inodes) })
        if usage.value?.inodes == 0 {
            observation.inapplicable = "the file system has no fixed number of inodes"
        }
        return observation
    }

    /// Without a runtime nobody has to say where its images would be.
    private static func image(_ observation: SignalObservation, _ settings: NodeSettings) -> SignalObservation {
        var observation = observation
        if !settings.runtimeConfigured, observation.reading.value == nil {
            observation.inapplicable = "no container runtime is configured"
        }
        return observation
    }
}

/// Which thresholds hold, by signal.
package struct EffectiveThresholds: Equatable, Sendable {
    package var hard: [EvictionSignal: EvictionThreshold]
    package var soft: [EvictionSignal: EvictionThreshold]

    /// What is configured for `containerfs.*` is replaced, as in the kubelet (UpdateContainerFsThresholds): by the
    /// nodefs' thresholds if the images lie on that file system, else by the imagefs'. So it never says more than its
    /// original, and conditions leave it alone.
    package static func compute(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> EffectiveThresholds {
        let sharesNodefs = sharesNodefs(snapshot)
        func bySignal(_ thresholds: [EvictionThreshold]) -> [EvictionSignal: EvictionThreshold] {
            var result = Dictionary(thresholds.map { ($0.signal, $0) }, uniquingKeysWith: { first, _ in first })
            for (copy, node, image) in [
                (EvictionSignal.containerfsAvailable, EvictionSignal.nodefsAvailable, EvictionSignal.imagefsAvailable),
                (.containerfsInodesFree, .nodefsInodesFree, .imagefsInodesFree),
            ] {
                var threshold = result[sharesNodefs ? node : image]
                threshold?.signal = copy
                result[copy] = threshold
            }
            return result
        }
        return EffectiveThresholds(hard: bySignal(settings.evictionHard), soft: bySignal(settings.evictionSoft))
    }

    /// Whether the images lie on the nodefs: on one device by the mount table, else as far as their size can tell.
    private static func sharesNodefs(_ snapshot: NodeSnapshot) -> Bool {
        guard let node = snapshot.nodeFileSystem.value, let image = snapshot.imageFileSystem.value else { return true }
        if let mounts = snapshot.fileSystems.value, let first = device(of: node.path, mounts),
            let second = device(of: image.path, mounts)
        {
            return first == second
        }
        return node.capacity == image.capacity && node.inodes == image.inodes
    }

    private static func device(of path: String, _ mounts: [MountedFileSystem]) -> String? {
        // The last of equals is mounted over the others.
        mounts.filter { contains($0.mountPoint, path) }
            .max { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }?.device
    }

    private static func contains(_ mountPoint: String, _ path: String) -> Bool {
        mountPoint == "/" || path == mountPoint || path.hasPrefix(mountPoint + "/")
    }
}
