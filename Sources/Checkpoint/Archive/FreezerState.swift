// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// What the kernel says of the freezer of a process's cgroup: the truth about a paused container on every runtime.
package enum FreezerState: Equatable, Sendable {
    case thawed
    /// Somebody has asked for it, and not all processes stand still yet.
    case freezing
    case frozen
    /// Why it cannot be told.
    case unknown(String)
    /// The process has ended.
    case gone

    /// Of the cgroup that the process is in now, or of any above it.
    ///
    /// Where there are version 1 controllers, runtimes work with their freezer; a freeze by way of version 2 on such a
    /// machine counts as well. Costs three or four reads of small files.
    package static func read(processID: Int32) -> FreezerState { read(processID: processID, .system) }

    static func read(processID: Int32, _ reader: CgroupReader) -> FreezerState {
        guard processID > 0 else { return .unknown("\(processID) is no process") }
        let state: FreezerState
        do throws(CgroupReader.Problem) {
            let membership = try reader.membership(of: processID)
            let first = try version1(membership, reader)
            switch first {
            case .frozen, .freezing: return first ?? .frozen
            case .thawed:
                // Nobody has to be able to read the other one.
                let second = try? version2(membership, reader)
                state = second == .frozen || second == .freezing ? second ?? .frozen : .thawed
            case nil:
                guard let second = try version2(membership, reader) else {
                    throw .unknown("neither a version 1 freezer nor version 2 is mounted")
                }
                state = second
            case .unknown, .gone: state = first ?? .gone
            }
        } catch {
            switch error {
            case .gone: return .gone
            case .unknown(let reason): state = .unknown(reason)
            }
        }
        // A process that has ended is moved to the top, where nothing is frozen.
        if reader.isOver(processID) { return .gone }
        return state
    }

    /// `freezer.state`, which counts what was asked for above, too. Nil: no such hierarchy.
    private static func version1(
        _ membership: CgroupMembership, _ reader: CgroupReader
    ) throws(CgroupReader.Problem) -> FreezerState? {
        guard let directory = try reader.directory("freezer", of: membership) else { return nil }
        // The top cannot be frozen.
        if directory.isTop { return .thawed }
        let path = directory.path + "/freezer.state"
        let text = try read(path, reader)
        switch text.split(whereSeparator: \.isWhitespace).first {
        case "THAWED": return .thawed
        case "FREEZING": return .freezing
        case "FROZEN": return .frozen
        default: return .unknown("\(path) says \(printable(text, limit: 40))")
        }
    }

    /// `frozen` in `cgroup.events`; `cgroup.freeze` is what was asked for. Nil: no such hierarchy.
    private static func version2(
        _ membership: CgroupMembership, _ reader: CgroupReader
    ) throws(CgroupReader.Problem) -> FreezerState? {
        guard let directory = try reader.directory(of: membership) else { return nil }
        if directory.isTop { return .thawed }
        let path = directory.path + "/cgroup.events"
        let events = try read(path, reader)
        let frozen = events.split(separator: "\n").first { $0.hasPrefix("frozen ") }?.dropFirst("frozen ".count)
        switch frozen {
        case "1": return .frozen
        case "0":
            let asked = (try? reader.text(directory.path + "/cgroup.freeze"))?.first
            return asked == "1" ? .freezing : .thawed
        case nil: return .unknown("\(path) says nothing of frozen: the kernel is older than 5.2")
        default: return .unknown("\(path) says frozen \(printable(String(frozen ?? ""), limit: 40))")
        }
    }

    private static func read(_ path: String, _ reader: CgroupReader) throws(CgroupReader.Problem) -> String {
        do {
            return try reader.text(path)
        } catch {
            throw .unknown("\(path): \(error.reason)")
        }
    }
}
