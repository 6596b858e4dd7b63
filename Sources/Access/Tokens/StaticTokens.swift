// SPDX-License-Identifier: Apache-2.0

/// A static token file of Kubernetes (`--token-auth-file`): `token,user,uid,"group1,group2"`, the groups optional.
///
/// Stricter than Kubernetes where a mistake would go unnoticed: a token that comes twice, groups that are not in
/// quotes, and whatever could never be sent in a header are errors. Lines that begin with `#` are comments. The tokens
/// themselves are not kept, only hashes that mean nothing outside of this process.
package struct StaticTokens: Sendable {
    package static let maximumTokens = 10_000
    static let maximumBytes = 4 << 20

    private let digest = KeyedDigest()
    private let users: [KeyedDigest.Value: Identity]

    package var count: Int { users.count }

    /// - Throws: everything that is wrong, with the lines.
    init(_ bytes: [UInt8], file: String) throws(AccessProblems) {
        var users: [KeyedDigest.Value: Identity] = [:]
        var lines: [KeyedDigest.Value: Int] = [:]
        var problems: [AccessProblem] = []
        var number = 0
        let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
        for piece in text.split(separator: 0x0a, omittingEmptySubsequences: false) {
            number += 1
            let line = piece.last == 0x0d ? piece.dropLast() : piece
            do throws(Mistake) {
                guard let (token, identity) = try Self.user(line) else { continue }
                let hash = digest.value(of: [Self.text(token)])
                if let first = lines[hash] { throw Mistake(reason: "the token of line \(first) again") }
                guard users.count < Self.maximumTokens else {
                    problems.append(AccessProblem(file, line: number, "more than \(Self.maximumTokens) tokens"))
                    break
                }
                lines[hash] = number
                users[hash] = identity
            } catch {
                problems.append(AccessProblem(file, line: number, error.reason))
                if problems.count > AccessProblems.maximum { break }
            }
        }
        guard problems.isEmpty else { throw AccessProblems(problems) }
        self.users = users
    }

    /// - Returns: nil for a token that is not in the file.
    func identity(of token: String) -> Identity? {
        // Looked up by a hash under a key that nobody knows: what the search takes longer for, a client cannot choose.
        users[digest.value(of: [token])]
    }

    private struct Mistake: Error {
        let reason: String
    }

    /// - Returns: nil for a line without a token.
    private static func user(_ line: ArraySlice<UInt8>) throws(Mistake) -> (token: [UInt8], Identity)? {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) || line.first == UInt8(ascii: "#") { return nil }
        guard !line.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { throw Mistake(reason: "a control character") }
        guard String(validating: line, as: UTF8.self) != nil else { throw Mistake(reason: "bytes that are not UTF-8") }
        let fields: [[UInt8]]
        do {
            fields = try CSVRecord.fields(line, limit: 64)
        } catch {
            throw Mistake(reason: error.reason)
        }
        guard fields.count >= 3 else {
            throw Mistake(reason: "\(fields.count) columns; at least token, user name and uid are wanted")
        }
        guard fields.count <= 4 else {
            throw Mistake(reason: "\(fields.count) columns; several groups belong in one pair of quotes: \"one,two\"")
        }
        let token = fields[0]
        guard !token.isEmpty else { throw Mistake(reason: "the token is empty") }
        guard token.count <= BearerToken.maximumBytes else {
            throw Mistake(reason: "the token is longer than \(BearerToken.maximumBytes) bytes")
        }
        guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Mistake(reason: "the token has a space or a character beyond ASCII in it, and could not be sent")
        }
        let identity = Identity(
            name: text(fields[1]), uid: fields[2].isEmpty ? nil : text(fields[2]),
            groups: try groups(fields.count == 4 ? fields[3] : []), method: .staticToken)
        if let problem = IdentityNames.problem(identity, showsNames: false) { throw Mistake(reason: problem) }
        return (token, identity.withAuthenticatedGroup)
    }

    private static func groups(_ field: [UInt8]) throws(Mistake) -> [String] {
        guard !field.isEmpty else { return [] }
        var groups: [String] = []
        for part in field.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            // Kubernetes would take the space as a part of the name, and nobody would be in that group.
            guard part.first != 0x20, part.last != 0x20 else {
                throw Mistake(reason: "a space around the name of group \(groups.count + 1)")
            }
            groups.append(text(part))
        }
        return groups
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
