// SPDX-License-Identifier: Apache-2.0
internal import Posix

/// Which checkpoints directory the agent worked in last, kept with the state: for the one who cleans up after an agent
/// whose configuration cannot be read any more. Waits for the disk.
enum UsedDirectory {
    private static func path(_ stateDirectory: String) -> String { stateDirectory + "/checkpoint-directory" }

    /// - Throws: `AgentError`: what is there stays.
    static func note(_ directory: String, stateDirectory: String) throws {
        guard read(stateDirectory: stateDirectory) != directory else { return }
        let path = path(stateDirectory)
        do {
            try Descriptor.replace(path, with: Array((directory + "\n").utf8), mode: 0o600)
        } catch {
            throw AgentError("write", path, code: error.code)
        }
    }

    /// An absolute path; nil where there is none to be had.
    static func read(stateDirectory: String) -> String? {
        guard case .success(let bytes) = RegularFile.read(path(stateDirectory), limit: 8_192) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }
        return text.hasPrefix("/") ? String(text) : nil
    }
}
