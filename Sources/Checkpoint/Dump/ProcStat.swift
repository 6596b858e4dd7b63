// SPDX-License-Identifier: Apache-2.0

/// The few fields of /proc/<pid>/stat that tell a process (proc_pid_stat(5)).
struct ProcStat: Equatable {
    var command: String
    var parent: Int32
    /// Clock ticks from boot to its start.
    var startTime: UInt64
}

extension ProcStat {
    init?(_ text: String) {
        // The command may hold blanks and parentheses; nothing behind it does.
        guard let open = text.firstIndex(of: "("), let end = text.lastIndex(of: ")"), open < end else { return nil }
        let command = String(text[text.index(after: open)..<end])
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let startTime = UInt64(fields[19]) else { return nil }
        self.init(command: command, parent: parent, startTime: startTime)
    }
}

/// Who is whose parent, for finding out under whom a process runs.
struct ProcessTree {
    private let processes: [Int32: ProcStat]

    init(_ processes: [Int32: ProcStat]) {
        self.processes = processes
    }

    /// A child of one of these names.
    func child(of parent: Int32, commands: Set<String>) -> Int32? {
        processes.first { $0.value.parent == parent && commands.contains($0.value.command) }?.key
    }

    /// A process of that name below `ancestor`, or, with nil, anywhere.
    func find(command: String, below ancestor: Int32?) -> Int32? {
        processes.first { id, stat in
            guard stat.command == command else { return false }
            guard let ancestor else { return true }
            var current = stat.parent
            // Deeper than this is no tree of processes but a number used again.
            for _ in 0..<64 where current > 1 {
                if current == ancestor { return true }
                guard let next = processes[current] else { return false }
                current = next.parent
            }
            return false
        }?.key
    }

    func parent(of id: Int32) -> Int32? { processes[id]?.parent }
}
