// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// A file whose content is read again when it has changed. A new content that cannot be used does not replace the old
/// one.
struct FollowedFile<Value: Sendable>: Sendable {
    enum Change: Equatable {
        case none
        /// There is a new value, or there is one again as it was.
        case replaced
        /// What was broken is as it was before.
        case recovered
        /// Told once for each change.
        case broken(AccessProblems)
    }

    let path: String
    /// What a look at the file shows; a test has it show less than there is.
    var signature: @Sendable (_ path: String) -> FileSignature? = { GuardedFile.signature(of: $0) }
    private let protection: FileProtection
    private let limit: Int
    /// What a file stands for that is not there; nil: that is a problem.
    private let missing: Value?
    private let parse: @Sendable (_ bytes: [UInt8], _ file: String) throws(AccessProblems) -> Value

    /// The last good one.
    private(set) var value: Value?
    /// Of the content that `value` is from; nil: of no file.
    private var fingerprint: Fingerprint?
    private var seen: FileSignature?
    private var hasLooked = false
    /// Written so shortly before it was read that the clock might not tell another write from that one.
    private var isFresh = false
    private var problem: AccessProblems?
    /// What the file looked like when the problem was told.
    private var reported: FileSignature?
    /// The content that could not be used.
    private var refused: Fingerprint?

    /// - Parameter limit: bytes of the file.
    init(
        _ path: String, _ protection: FileProtection, limit: Int, missing: Value? = nil,
        parse: @escaping @Sendable (_ bytes: [UInt8], _ file: String) throws(AccessProblems) -> Value
    ) {
        self.path = path
        self.protection = protection
        self.limit = limit
        self.missing = missing
        self.parse = parse
    }

    /// Looks whether the file has changed, and reads it when it has. Waits for the disk.
    ///
    /// - Parameter date: the clock that files are stamped with.
    mutating func look(date: Timestamp) -> Change {
        let current = signature(path)
        if hasLooked, !isFresh, current == seen, current != nil || problem != nil || missing != nil { return .none }
        hasLooked = true
        for _ in 0..<3 {
            do {
                return take(try GuardedFile.read(path, limit: limit, protection), date)
            } catch {
                if error.isUnsettled { continue }
                seen = error.signature
                isFresh = false
                if error.isMissing, let missing { return takeMissing(missing) }
                return report(AccessProblems([AccessProblem(path, error.reason)]))
            }
        }
        // Nothing is remembered: the next look tries again.
        isFresh = true
        return report(AccessProblems([AccessProblem(path, "it changes whenever it is read")]))
    }

    private mutating func take(_ content: GuardedFile.Content, _ date: Timestamp) -> Change {
        let isRepeated = isFresh && seen == content.signature
        seen = content.signature
        let age = content.signature.modified.duration(until: date)
        isFresh = age >= .zero && age < .seconds(2)
        let hash = Fingerprint(of: content.bytes)
        if value != nil, hash == fingerprint { return recover() }
        // The same bytes that were a problem before are the same problem.
        if isRepeated, hash == refused { return .none }
        do {
            value = try parse(content.bytes, path)
            fingerprint = hash
            problem = nil
            refused = nil
            return .replaced
        } catch {
            refused = hash
            return report(error)
        }
    }

    private mutating func takeMissing(_ missing: Value) -> Change {
        if value != nil, fingerprint == nil { return recover() }
        value = missing
        fingerprint = nil
        problem = nil
        return .replaced
    }

    private mutating func recover() -> Change {
        refused = nil
        guard problem != nil else { return .none }
        problem = nil
        return .recovered
    }

    private mutating func report(_ found: AccessProblems) -> Change {
        guard problem != found || reported != seen else { return .none }
        problem = found
        reported = seen
        return .broken(found)
    }
}
