// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Glibc
internal import Synchronization

/// What our own processes cost, read from /proc when a page wants it, at most every five seconds.
final class ProcessReader: Sendable {
    private struct State {
        var readAt: Duration?
        var identifiers: [Int32] = []
        var facts: [ProcessFacts] = []
    }

    private static let interval: Duration = .seconds(5)
    private let state = Mutex(State())

    /// - Parameter web: the web process, if there is one.
    func facts(web: Int32?, at now: Duration) -> [ProcessFacts] {
        let identifiers = [getpid()] + (web.map { [$0] } ?? [])
        return state.withLock { state in
            if let readAt = state.readAt, now - readAt < Self.interval, state.identifiers == identifiers {
                return state.facts
            }
            state.readAt = now
            state.identifiers = identifiers
            state.facts = zip(["agent", "web"], identifiers).compactMap(Self.read)
            return state.facts
        }
    }

    /// Nil when the process is gone: a reading of a process that has ended is no error.
    private static func read(role: String, processID: Int32) -> ProcessFacts? {
        guard let status = text(of: "/proc/\(processID)/status"), let line = text(of: "/proc/\(processID)/stat") else {
            return nil
        }
        var values: [Substring: UInt64] = [:]
        for line in status.split(separator: "\n") {
            let parts = line.split(maxSplits: 2, whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " })
            if parts.count >= 2 { values[parts[0]] = UInt64(parts[1]) }
        }
        // proc_pid_stat(5): the command's name in parentheses may hold blanks; 14 and 15 are user and system ticks.
        let fields = line[(line.lastIndex(of: ")") ?? line.startIndex)...].split(separator: " ")
        let ticks = fields.count > 13 ? (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0) : 0
        return ProcessFacts(
            role: role, processID: processID, resident: kibibytes(values["VmRSS"]),
            anonymous: kibibytes(values["RssAnon"]), threads: values["Threads"] ?? 0,
            cpuSeconds: ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }

    private static func kibibytes(_ value: UInt64?) -> UInt64 {
        let (bytes, overflow) = (value ?? 0).multipliedReportingOverflow(by: 1_024)
        return overflow ? 0 : bytes
    }

    private static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 8_192)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
}
