// SPDX-License-Identifier: Apache-2.0

/// What the agent has allowed one connection of the main listener to read from memory, and until when.
///
/// A grant is for one path and exactly the `Authorization` of the request that the agent has answered: another user behind
/// the same proxy does not profit from it.
struct Grants {
    static let maximum = 8

    private struct Grant {
        var path: [UInt8]
        var authorization: [UInt8]?
        var until: Milliseconds
    }

    private var grants: [Grant] = []

    /// - Parameter path: Without a query.
    func allow(_ path: [UInt8], _ authorization: [UInt8]?, now: Milliseconds) -> Bool {
        grants.contains { now < $0.until && $0.path == path && Self.isSame($0.authorization, authorization) }
    }

    /// Adds one, in the place of the one for the same, or of the one that ends first when there are too many.
    mutating func add(_ path: [UInt8], _ authorization: [UInt8]?, until: Milliseconds) {
        grants.removeAll { $0.path == path && Self.isSame($0.authorization, authorization) }
        if grants.count >= Self.maximum,
            let first = grants.indices.min(by: { grants[$0].until < grants[$1].until })
        {
            grants.remove(at: first)
        }
        grants.append(Grant(path: path, authorization: authorization, until: until))
    }

    mutating func removeAll() {
        grants.removeAll()
    }

    /// In a time that does not tell where they differ.
    private static func isSame(_ one: [UInt8]?, _ other: [UInt8]?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
