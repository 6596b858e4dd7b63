// SPDX-License-Identifier: Apache-2.0
internal import Configuration
internal import NodeStatus

/// nodekeep's own token file. It holds hashes, so that reading it lets nobody in:
///
/// ```yaml
/// apiVersion: nodekeep/v1
/// kind: TokenList
/// tokens:
/// - id: zvkwhlcqtnxr
///   user: alice
///   groups:
///   - ops
///   created: "2026-11-21T06:12:33Z"
///   expires: "2027-11-21T06:12:33Z"
///   hash: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bd822cd15d6c15b0f00a0
/// ```
///
/// YAML rather than lines of JSON because the rest of the configuration is YAML, read by the same strict parser, and
/// because an operator may look at it and take a token out by hand. The prefix of the hash says which one it is, and
/// keeps YAML from taking digits for a number. `groups` and `expires` may be left out. A file that does not exist is a
/// list without tokens.
package struct TokenList: Equatable, Sendable {
    package static let maximumTokens = 2_000
    static let maximumBytes = 1 << 20
    static let kind = "TokenList"

    /// In the order in which they were made.
    package private(set) var records: [TokenRecord]
    private var positions: [String: Int]

    static let empty = TokenList()

    private init() {
        records = []
        positions = [:]
    }

    init(_ bytes: [UInt8], file: String) throws(AccessProblems) {
        self.init()
        var reader = DocumentReader(file: file)
        let fields = try reader.document(bytes, kind: Self.kind, fields: ["tokens"])
        if let tokens = fields["tokens"] {
            if let items = tokens.value.items {
                for (index, item) in items.enumerated() where !reader.isFull {
                    read(item, "tokens[\(index)]", &reader)
                }
            } else {
                reader.refuse(tokens.value.line, "tokens", "it must be a list")
            }
        } else {
            reader.missing(1, "tokens", "is missing; a list without tokens is written []")
        }
        try reader.finish()
    }

    /// The record of an id.
    package subscript(id id: String) -> TokenRecord? { positions[id].map { records[$0] } }

    /// - Returns: false where there is one of this id, or no room.
    mutating func append(_ record: TokenRecord) -> Bool {
        guard records.count < Self.maximumTokens, positions[record.id] == nil else { return false }
        positions[record.id] = records.count
        records.append(record)
        return true
    }

    mutating func remove(id: String) -> TokenRecord? {
        guard let position = positions[id] else { return nil }
        let record = records.remove(at: position)
        positions = Dictionary(uniqueKeysWithValues: records.enumerated().map { ($0.element.id, $0.offset) })
        return record
    }

    enum Verdict: Equatable {
        case record(TokenRecord)
        case refused(String)
    }

    /// - Returns: nil for a token that is not in the list.
    func verdict(on token: String, date: Timestamp) -> Verdict? {
        guard let id = NodekeepToken.id(in: token), let record = self[id: id],
            Fingerprint(of: Array(token.utf8)).matches(record.hash)
        else { return nil }
        guard let expires = record.expires, record.isExpired(at: date) else { return .record(record) }
        return .refused("the token \(id) of \(quoted(record.user)) has expired on \(expires.rfc3339)")
    }

    /// The whole file.
    var text: String {
        let tokens = records.map { record in
            var fields: [ConfigurationValue.Field] = [
                .init("id", .string(record.id)), .init("user", .string(record.user)),
            ]
            if !record.groups.isEmpty { fields.append(.init("groups", .array(record.groups.map { .string($0) }))) }
            fields.append(.init("created", .string(record.created.rfc3339)))
            if let expires = record.expires { fields.append(.init("expires", .string(expires.rfc3339))) }
            fields.append(.init("hash", .string(Self.hashPrefix + record.hash.hexadecimal)))
            return ConfigurationValue.object(fields)
        }
        return "# The tokens that `nodekeep token create` has made, as hashes. Take one out to revoke it.\n"
            + YAML.text(
                of: .object([
                    .init("apiVersion", .string("nodekeep/v1")), .init("kind", .string(Self.kind)),
                    .init("tokens", .array(tokens)),
                ]))
    }

    private static let hashPrefix = "sha256:"

    private mutating func read(_ node: YAMLNode, _ field: String, _ reader: inout DocumentReader) {
        let names = ["id", "user", "groups", "created", "expires", "hash"]
        let before = reader.problems.count
        let fields = reader.mapping(node, field, fields: names)
        func text(_ name: String, isOptional: Bool = false) -> String? {
            guard let entry = fields[name] else {
                if !isOptional, node.entries != nil { reader.missing(node.line, "\(field).\(name)", "is missing") }
                return nil
            }
            return reader.string(entry.value, "\(field).\(name)")
        }
        func refuse(_ name: String, _ explanation: String) {
            reader.refuse(fields[name]?.value.line ?? node.line, "\(field).\(name)", explanation)
        }
        func time(_ name: String, isOptional: Bool = false) -> Timestamp? {
            guard let value = text(name, isOptional: isOptional) else { return nil }
            let time = Timestamp(rfc3339: value)
            if time == nil { refuse(name, "\(quoted(value)) is no time such as 2026-11-21T06:12:33Z") }
            return time
        }
        let id = text("id")
        let user = text("user")
        let groups =
            fields["groups"].flatMap { reader.strings($0, "\(field).groups", limit: IdentityNames.maximumGroups) }?.map(
                \.text) ?? []
        let created = time("created")
        let expires = time("expires", isOptional: true)
        let hash = text("hash")
        let fingerprint = hash.flatMap { hash in
            let digits = hash.dropFirst(Self.hashPrefix.count)
            return hash.hasPrefix(Self.hashPrefix) ? Fingerprint(hexadecimal: digits) : nil
        }
        // Never with the value: somebody may have put a token there.
        if hash != nil, fingerprint == nil { refuse("hash", "is not sha256: and 64 lower-case hexadecimal digits") }
        if let id, !NodekeepToken.isID(id) { refuse("id", "is not the id of a token") }
        guard let id, let user, let created, let fingerprint, reader.problems.count == before else { return }
        let record = TokenRecord(
            id: id, user: user, groups: groups, created: created, expires: expires, hash: fingerprint)
        if let problem = IdentityNames.problem(record.identity) {
            reader.refuse(node.line, field, problem)
        } else if positions[id] != nil {
            refuse("id", "\(id) comes twice")
        } else if !append(record) {
            reader.refuse(node.line, field, "more than \(Self.maximumTokens) tokens")
        }
    }
}
