// SPDX-License-Identifier: Apache-2.0
internal import Posix

/// Tells this installation from every other: a random name, made once and kept with the state. Waits for the disk.
enum Installation {
    private static let length = 16

    /// - Returns: sixteen lower-case hexadecimal digits; a failure where there is a file that cannot be read, or none can be
    ///   written: a name that is another one after each start would not know its own lease and Node again.
    static func name(stateDirectory: String) -> Result<String, AgentError> {
        let path = stateDirectory + "/installation"
        switch RegularFile.read(path, limit: 1_024) {
        case .success(let bytes):
            let name = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }
            guard name.utf8.count == length, name.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
                return .failure(
                    AgentError("\(path) does not hold the name of an installation; remove it to get another"))
            }
            return .success(String(name))
        case .failure(let problem):
            guard problem.isMissing else { return .failure(AgentError("\(path): \(problem.reason)")) }
            let name = random()
            do {
                try Descriptor.replace(path, with: Array((name + "\n").utf8), mode: 0o644)
                return .success(name)
            } catch {
                return .failure(AgentError("write", path, code: error.code))
            }
        }
    }

    static func random() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: length - digits.utf8.count) + digits
    }
}
