// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// The web executable that belongs to this agent.
///
/// An upgrade puts another one at its path before it restarts the agent, or without restarting it, and the two versions
/// need not understand each other. So the file is held open, and is started even when its name has gone to another.
struct WebExecutable: Sendable {
    let path: String
    private let file: Descriptor

    /// - Throws: `AgentError` where it cannot be opened.
    init(_ path: String) throws {
        self.path = path
        do {
            file = try Descriptor.open(path, O_RDONLY)
        } catch {
            throw AgentError("open", path, code: error.code)
        }
    }

    /// Beside this program, or in the installed libexec directory.
    ///
    /// - Throws: `AgentError` naming the places that were looked at.
    static func find() throws -> WebExecutable {
        let own = try OwnExecutable.path()
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
        let places = [directory + "/nodekeep-web", directory + "/../libexec/nodekeep/nodekeep-web"]
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else {
            throw AgentError("nodekeep-web is missing: looked for " + places.joined(separator: " and "))
        }
        return try WebExecutable(found)
    }

    /// By what it is started now: its path as long as that is still this file, or else the descriptor, which the new
    /// process has until it becomes that program.
    var startPath: String {
        if let there = try? Descriptor.open(path, O_RDONLY), (try? there.isSameFile(as: file)) == true { return path }
        return "/proc/self/fd/\(file.number)"
    }
}
