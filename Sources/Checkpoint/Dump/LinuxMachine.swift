// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// This machine.
package struct LinuxMachine: CheckpointMachine {
    /// `/`, or a tree that looks like it.
    private let root: String

    package init(root: String = "") {
        self.root = root
    }

    package func bootID() -> String {
        var text = text(of: root + "/proc/sys/kernel/random/boot_id") ?? ""
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    package var ownProcess: Int32 { getpid() }

    package func process(_ id: Int32) -> ProcessIdentity? {
        guard id > 0, let stat = stat(of: id) else { return nil }
        return ProcessIdentity(id: id, startTime: stat.startTime)
    }

    package func freezer(_ processID: Int32) -> FreezerState {
        processID > 0 ? FreezerState.read(processID: processID) : .unknown("the container's process is not known")
    }

    package func workDirectorySign(_ directory: DumpWorkDirectory?, runtime: ProcessIdentity?) -> DumpSign {
        guard let directory else { return .invisible }
        var parent = Glibc.stat()
        guard lstat(root + directory.parent, &parent) == 0, parent.st_mode & S_IFMT == S_IFDIR else {
            return .invisible
        }
        let path = directory.parent + "/" + directory.name
        var status = Glibc.stat()
        guard lstat(root + path, &status) == 0 else { return errno == ENOENT ? .none : .invisible }
        if let runtime, Duration(status.st_ctim) < wallTime(ofStart: runtime.startTime) { return .none }
        var content = DirectoryContent(root + path, status)
        content.add(entriesOf: root + path + "/checkpoint")
        let now = Self.duration(CLOCK_REALTIME)
        // The inode tells one dump's directory from the next one's.
        return .workDirectory(
            state: "\(path) (inode \(status.st_ino)) holds \(content.files) files of \(content.bytes) bytes",
            age: max(.zero, now - content.changed))
    }

    package func workSign(task: Int32?) -> DumpSign {
        let tree = ProcessTree(processes())
        let shim = task.flatMap { tree.parent(of: $0) }
        // A container whose shim is gone belongs to init, below which everything is.
        guard task == nil || (shim ?? 0) > 1 else { return .none }
        if let criu = tree.find(command: "criu", below: shim) { return .seen("criu runs as process \(criu)") }
        // What the container runs under such a name is no child of the shim's.
        return shim.flatMap { tree.child(of: $0, commands: ["runc", "crun", "youki"]) }
            .map { .seen("the runtime is at work on it as process \($0)") } ?? .none
    }

    package func watch(_ directory: DumpWorkDirectory) -> (any WorkDirectoryCount)? {
        WorkDirectoryWatch(root + directory.parent, name: directory.name)
    }

    package func watchFreezer(_ processID: Int32) -> (any FreezerTime)? {
        FreezerWatch.start(processID: processID, machine: self)
    }

    // MARK: /proc

    private func processes() -> [Int32: ProcStat] {
        guard let stream = opendir(root + "/proc") else { return [:] }
        defer { closedir(stream) }
        var found: [Int32: ProcStat] = [:]
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let id = Int32(name), let stat = stat(of: id) { found[id] = stat }
        }
        return found
    }

    private func stat(of id: Int32) -> ProcStat? { text(of: root + "/proc/\(id)/stat").flatMap(ProcStat.init) }

    /// When something that began so many clock ticks after boot began, by the wall clock as it is set now.
    private func wallTime(ofStart ticks: UInt64) -> Duration {
        let perSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let ticks = Int64(clamping: ticks)
        let sinceBoot =
            Duration.seconds(ticks / perSecond) + .nanoseconds(ticks % perSecond * 1_000_000_000 / perSecond)
        return Self.duration(CLOCK_REALTIME) - Self.duration(CLOCK_BOOTTIME) + sinceBoot
    }

    private static func duration(_ clock: clockid_t) -> Duration {
        Duration(SystemClock.read(clock))
    }

    private func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
}
