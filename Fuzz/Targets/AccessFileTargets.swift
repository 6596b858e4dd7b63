// SPDX-License-Identifier: Apache-2.0
import NodeStatus

@testable import Access

private let file = "/etc/nodekeep/file"

private func problems(_ body: () throws(AccessProblems) -> Void) -> [AccessProblem] {
    do throws(AccessProblems) {
        try body()
        return []
    } catch {
        check(!error.all.isEmpty && error.all.count <= AccessProblems.maximum + 1, "problems, and not too many")
        for problem in error.all { checkLine(problem.description) }
        return error.all
    }
}

extension FuzzTarget {
    /// A static token file of Kubernetes (CSV).
    static let staticTokens = FuzzTarget(name: "static-tokens", maximumLength: 4_096) { bytes in
        var tokens: StaticTokens?
        _ = problems { () throws(AccessProblems) in tokens = try StaticTokens(bytes, file: file) }
        if let tokens { checkEveryLine(of: bytes, tokens) }
        // The same with something in every column that would be told by telling any column.
        let secret = Canary.put(into: Array("\n".utf8) + bytes, behind: ["\n", ",", "\""])
        for problem in problems({ () throws(AccessProblems) in _ = try StaticTokens(secret, file: file) }) {
            Canary.check(problem.description)
        }
    }

    /// Whatever is a token in the simplest reading of the file lets somebody in, and nothing else does.
    private static func checkEveryLine(of bytes: [UInt8], _ tokens: StaticTokens) {
        var count = 0
        for line in bytes.split(separator: 0x0a) {
            guard let first = line.first, first != 0x23, !line.contains(0x22), line.contains(0x2c),
                !bytes.starts(with: [0xef])
            else { continue }
            count += 1
            let token = String(decoding: line.prefix { $0 != 0x2c }, as: UTF8.self)
            guard let identity = tokens.identity(of: token) else { return check(false, "a token of the file is known") }
            check(!identity.name.isEmpty && identity.method == .staticToken, "somebody it is")
            check(tokens.identity(of: token + "x") == nil || tokens.count > 1, "no other token is")
        }
        check(count <= tokens.count, "each token once")
        check(tokens.identity(of: "") == nil, "no token is nobody")
    }

    /// nodekeep's own token file.
    static let tokenList = FuzzTarget(name: "token-list", maximumLength: 4_096) { bytes in
        var list: TokenList?
        _ = problems { () throws(AccessProblems) in list = try TokenList(bytes, file: file) }
        if let list {
            let again = try? TokenList(Array(list.text.utf8), file: file)
            check(again == list, "what is written means the same:\n\(list.text)")
            for record in list.records { check(list[id: record.id] == record, "each is found by its id") }
        }
        let secret = Canary.put(into: bytes, behind: ["hash: ", "hash: sha256:", "hash: \""])
        for problem in problems({ () throws(AccessProblems) in _ = try TokenList(secret, file: file) })
        where problem.field.hasSuffix(".hash") {
            Canary.check(problem.description)
        }
    }

    /// A policy, and what it decides.
    static let policy = FuzzTarget(name: "policy", maximumLength: 4_096) { bytes in
        var parsed: Policy?
        _ = problems { () throws(AccessProblems) in parsed = try Policy.parse(bytes, file: file) }
        guard let policy = parsed else { return }
        check(policy.rules.count <= Policy.maximumRules, "a policy is not endless")
        check(Set(policy.rules.map { Array($0.name.utf8) }).count == policy.rules.count, "each rule has its name")
        for endpoint in PolicyEndpoint.allCases {
            for verb in ["get", "list", "create", "delete"] {
                let attributes = AccessAttributes(
                    verb: verb, endpoint: endpoint,
                    checkpoint: CheckpointTarget(namespace: "team-a", pod: "web-0", container: "web"))
                checkDecision(policy, attributes, file: bytes)
            }
        }
    }

    private static func checkDecision(_ policy: Policy, _ attributes: AccessAttributes, file: [UInt8]) {
        // Names are bytes to everybody else: the Kelvin sign makes somebody else of Kate, and so does a loose accent.
        for name in ["alice", "Kate", "\u{212a}ate", "\u{e9}", "e\u{301}"] {
            let identity = Identity(name: name, method: .x509)
            let explanation = policy.explain(identity, attributes)
            for line in explanation.lines { checkLine(line, limit: 65_536) }
            let isAllowed = isAllowed(policy, identity, attributes)
            check(explanation.isAllowed == isAllowed, "one truth")
            // With a backslash the file may name somebody without his bytes being in it.
            check(
                !isAllowed || file.contains(name.utf8) || file.contains(0x5c), "\(name.debugDescription) is not named")
        }
    }

    private static func isAllowed(_ policy: Policy, _ identity: Identity, _ attributes: AccessAttributes) -> Bool {
        if case .allowed = policy.decide(identity, attributes) { true } else { false }
    }
}
