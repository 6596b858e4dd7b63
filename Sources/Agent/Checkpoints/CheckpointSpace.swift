// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Checkpoint
internal import CRI
internal import Glibc
internal import NodeStatus

/// What dumps will need and what there is for them. Used on the keeper's thread only.
struct CheckpointSpace {
    var settings: CheckpointSettings
    private let memory: @Sendable () -> FileSystemSpace?
    private var ledger = SpaceLedger()

    init(settings: CheckpointSettings, memory: @escaping @Sendable () -> FileSystemSpace?) {
        self.settings = settings
        self.memory = memory
    }

    /// - Parameter directory: where the archive goes.
    /// - Returns: nil when the container's memory cannot be told, which is then written into no ledger.
    func estimate(_ identity: ContainerIdentity, _ survey: ContainerSurvey, directory: String) -> SizeEstimate? {
        guard let memory = memoryUse(identity, survey) else { return nil }
        return SizeEstimator.estimate(
            memory: memory, writableLayer: survey.usage?.writableLayer ?? 0, log: logSize(survey),
            layout: survey.layout, destination: directory,
            isSameFileSystem: { Self.device($0) != nil && Self.device($0) == Self.device($1) })
    }

    /// The kernel's numbers, and where they are out of reach the runtime's.
    private func memoryUse(_ identity: ContainerIdentity, _ survey: ContainerSurvey) -> MemoryUse? {
        if let processID = survey.details?.processID,
            let use = try? MemoryUse.read(processID: processID, containerID: identity.containerID)
        {
            return use
        }
        guard let usage = survey.usage, let memory = usage.rss ?? usage.workingSet else { return nil }
        return MemoryUse(anonymous: memory, shared: 0, swap: usage.swapUsage ?? 0)
    }

    private func logSize(_ survey: ContainerSurvey) -> UInt64 {
        guard let path = survey.details?.logPath, path.hasPrefix("/") else { return 0 }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
        return UInt64(clamping: status.st_size)
    }

    // MARK: - The ledger

    /// What all of it does not fit into, if anything.
    func shortage(for estimate: SizeEstimate?) -> Shortage? {
        guard let estimate else { return nil }
        return (try? ledger.shortage(for: known(estimate), memory: memory(), probe: probe)) ?? nil
    }

    /// Promises a job that has to wait the room for its archive, which stays; the rest only when its turn has come.
    mutating func promiseArchive(_ job: JobID, _ estimate: SizeEstimate?) {
        guard var estimate, let archive = estimate.charges.last else { return }
        estimate.charges = [archive]
        try? ledger.promise(known(estimate), to: job, memory: memory(), probe: probe)
    }

    /// Promises a job whose turn has come everything.
    ///
    /// - Returns: what it does not fit into now; then the job has what it had before.
    mutating func promiseAll(_ job: JobID, _ estimate: SizeEstimate?) -> Shortage? {
        guard let estimate else { return nil }
        return (try? ledger.reserve(known(estimate), for: job, memory: memory(), probe: probe)) ?? nil
    }

    /// A job that an earlier agent has started: it has what it needs, or not; others are told of it all the same.
    mutating func adopt(_ job: JobID, _ estimate: SizeEstimate?) {
        guard let estimate else { return }
        try? ledger.promise(known(estimate), to: job, memory: memory(), probe: probe)
    }

    mutating func release(_ job: JobID) { ledger.release(job) }

    // MARK: - File systems

    /// The charges whose file system can be looked at: the runtime's directories may be out of sight.
    private func known(_ estimate: SizeEstimate) -> SizeEstimate {
        var estimate = estimate
        estimate.charges.removeAll { Self.existing($0.directory) == nil }
        return estimate
    }

    func probe(_ directory: String) throws(SpaceProblem) -> FileSystemSpace {
        guard let existing = Self.existing(directory), let device = Self.device(existing) else {
            throw SpaceProblem("look at \(directory): \(String(cString: strerror(errno)))")
        }
        var numbers = nodekeep_filesystem()
        guard nodekeep_statfs(existing, &numbers) == 0 else {
            throw SpaceProblem("measure \(existing): \(String(cString: strerror(errno)))")
        }
        let unit = UInt64(numbers.unit)
        let capacity = Self.product(UInt64(numbers.blocks), unit)
        return FileSystemSpace(
            device: device, name: existing, available: Self.product(UInt64(numbers.available), unit),
            capacity: capacity, reserve: reserve(device, capacity: capacity), isMemory: nodekeep_is_tmpfs(existing) == 1
        )
    }

    /// The strictest of the thresholds that are about this file system.
    private func reserve(_ device: String, capacity: UInt64) -> UInt64 {
        var signals: [EvictionSignal] = []
        if Self.existing(settings.rootDirectory).flatMap(Self.device) == device { signals.append(.nodefsAvailable) }
        if Self.existing(settings.imageDirectory).flatMap(Self.device) == device { signals.append(.imagefsAvailable) }
        return settings.thresholds.filter { signals.contains($0.signal) }.map { $0.absolute(capacity: capacity) }.max()
            ?? 0
    }

    private static func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max : product
    }

    /// The directory, or its nearest ancestor that is there.
    private static func existing(_ directory: String) -> String? {
        var path = directory[...]
        while path.hasPrefix("/") {
            if device(path.isEmpty ? "/" : String(path)) != nil { return String(path) }
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
            path = path[..<slash]
        }
        return nil
    }

    /// `8:1`; nil where there is nothing.
    private static func device(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return "\(nodekeep_major(status.st_dev)):\(nodekeep_minor(status.st_dev))"
    }
}

extension ContainerSurvey {
    /// Where this runtime puts its copies.
    var layout: CheckpointLayout {
        switch runtime.name {
        case "containerd":
            .containerd(root: containerdRoot ?? "/var/lib/containerd", temporary: "/tmp")
        case "cri-o": .crio(storage: "/var/lib/containers/storage")
        default: .other
        }
    }
}
