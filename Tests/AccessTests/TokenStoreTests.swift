// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import NodeStatus
import Posix
import Synchronization
import Testing

@testable import Access

@Suite struct TokenStoreTests {
    private let scratch: Scratch
    private let store: TokenStore
    private let path: String

    init() throws {
        scratch = try Scratch()
        path = scratch.file("tokens.yaml")
        store = TokenStore(path, owner: geteuid())
    }

    private func content() throws -> String {
        String(decoding: try Descriptor.open(path, O_RDONLY).read(limit: 1 << 20), as: UTF8.self)
    }

    private func list() throws -> TokenList { try TokenList(Array(try content().utf8), file: path) }

    @Test func whatIsMadeIsFound() throws {
        #expect(try store.list() == [])
        let (token, record) = try store.create(
            user: "alice", groups: ["ops", "true"], expires: today.later(3_600), date: today)
        #expect(token.wholeMatch(of: #/nkt_[bcdfghjklmnpqrstvwxz]{12}_[0-9a-f]{64}/#) != nil)
        #expect(try store.list() == [record])
        #expect(record.created == today)
        let secret = String(token.suffix(64))
        #expect(try !content().contains(secret))
        #expect(try content().contains("sha256:" + Fingerprint(of: Array(token.utf8)).hexadecimal))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)

        let found = try list()
        guard case .record(let good) = found.verdict(on: token, date: today) else {
            Issue.record("not found")
            return
        }
        #expect(good.identity.name == "alice")
        #expect(good.identity.groups == ["ops", "true", "system:authenticated"])
        #expect(good.identity.method == .nodekeepToken)
        let expired = TokenList.Verdict.refused(
            "the token \(record.id) of \"alice\" has expired on 2030-01-01T01:00:00Z")
        #expect(found.verdict(on: token, date: today.later(3_599)) == .record(record))
        #expect(found.verdict(on: token, date: today.later(3_600)) == expired)
    }

    @Test func onlyTheWholeTokenCounts() throws {
        let (token, record) = try store.create(user: "alice", groups: [], expires: nil, date: today)
        let list = try list()
        let last = try #require(token.last)
        for wrong in [
            "", "nkt_", "nkt__", token + "0", String(token.dropLast()),
            String(token.dropLast()) + (last == "0" ? "1" : "0"),
            token.uppercased(), "nkt_" + record.id + "_", "nkt_" + record.id + "_" + record.hash.hexadecimal,
            " " + token,
            String(token.dropFirst(4)), token.replacing("_", with: "-"), token + "_",
        ] {
            #expect(list.verdict(on: wrong, date: today) == nil, "\(wrong)")
        }
        #expect(list.verdict(on: token, date: Timestamp(seconds: .max)) == .record(record))
    }

    @Test func revoking() throws {
        let first = try store.create(user: "a", groups: [], expires: nil, date: today)
        let second = try store.create(user: "b", groups: [], expires: nil, date: today)
        #expect(try store.revoke(id: first.record.id) == first.record)
        #expect(try store.list() == [second.record])
        #expect(try list().verdict(on: first.token, date: today) == nil)
        #expect(try list().verdict(on: second.token, date: today) != nil)
        let again = problem { () throws(AccessProblem) in try store.revoke(id: first.record.id) }
        #expect(again == "\(path): there is no token \"\(first.record.id)\"")
        _ = try store.revoke(id: second.record.id)
        #expect(try store.list() == [])
        #expect(try content().contains("tokens: []"))
    }

    @Test func severalAtOnceAllSurvive() throws {
        let store = store
        let made = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 16) { index in
            for _ in 0..<3 {
                guard let (token, _) = try? store.create(user: "u\(index)", groups: [], expires: nil, date: today)
                else {
                    continue
                }
                made.withLock { $0.append(token) }
            }
        }
        let list = try list()
        let tokens = made.withLock { $0 }
        #expect(tokens.count == 48)
        #expect(list.records.count == 48)
        #expect(tokens.allSatisfy { list.verdict(on: $0, date: today) != nil })
    }

    @Test func whatCannotBeMade() throws {
        func failure(user: String = "a", groups: [String] = [], expires: Timestamp? = nil) -> String? {
            problem { () throws(AccessProblem) in
                try store.create(user: user, groups: groups, expires: expires, date: today).token
            }
        }
        #expect(failure(user: "") == "\(path): no token: the user name \"\" is empty")
        #expect(failure(user: "uid:0")?.contains("local socket") == true)
        #expect(failure(groups: ["a\nb"])?.contains("control characters") == true)
        #expect(failure(expires: today)?.contains("would be of no use") == true)
        #expect(failure(expires: Timestamp(seconds: .max))?.contains("cannot be stored") == true)
        #expect(access(path, F_OK) != 0)
        let elsewhere = TokenStore(path, owner: geteuid() + 1)
        let other = problem { () throws(AccessProblem) in try elsewhere.revoke(id: "x") }
        #expect(other?.contains("only its owner can change it") == true)
        for wrong in ["tokens.yaml", "", "/", scratch.path + "/", scratch.path + "/..", "/a\0b"] {
            let found = problem { () throws(AccessProblem) in try TokenStore(wrong, owner: geteuid()).revoke(id: "x") }
            #expect(found?.contains("absolute path") == true, "\(wrong)")
        }
        let missing = TokenStore(scratch.file("none/tokens.yaml"), owner: geteuid())
        let directory = problem { () throws(AccessProblem) in try missing.revoke(id: "x") }
        #expect(directory?.hasSuffix("open the directory \(scratch.file("none")): No such file or directory") == true)
    }

    @Test func aFileThatIsNotInOrderStaysAsItIs() throws {
        try scratch.write("tokens: [", to: "tokens.yaml")
        let found = problem { () throws(AccessProblem) in
            try store.create(user: "a", groups: [], expires: nil, date: today).token
        }
        #expect(found?.hasPrefix("\(path):1: not YAML") == true)
        #expect(try content() == "tokens: [")
        try scratch.write(TokenList.empty.text, to: "tokens.yaml", mode: 0o640)
        let mode = problem { () throws(AccessProblem) in try store.list().count }
        #expect(mode == "\(path): it has mode 0640: only its owner may read it; chmod 0600 \(path)")
        try scratch.write(TokenList.empty.text, to: "real.yaml")
        unlink(path)
        #expect(symlink("real.yaml", path) == 0)
        let link = problem { () throws(AccessProblem) in
            try store.create(user: "a", groups: [], expires: nil, date: today).token
        }
        #expect(link?.contains("it is a symbolic link") == true)
        #expect(try store.list() == [])
    }

    @Test func whatWasLeftBehindDoesNotMatter() throws {
        try scratch.write("half", to: ".tokens.yaml.new", mode: 0o666)
        _ = try store.create(user: "a", groups: [], expires: nil, date: today)
        #expect(try store.list().count == 1)
        #expect(access(scratch.file(".tokens.yaml.new"), F_OK) != 0)
    }

    /// Whatever somebody is called, YAML gives it back.
    @Test func anyNameSurvives() throws {
        var generator = Repeatable(seed: 6)
        let pieces = [
            "a", "#", ": ", " ", "- ", "'", "\"", "\\", "é", "🙂", "~", "null", "1e5", "{", "[", "!", "&", "*", "%", "@",
            ",",
            "true", "0x1f", "|", ">", "?", "---", "\u{a0}", "\u{200d}", "\u{fffd}", "system:masters",
        ]
        func name() -> String {
            (0..<Int.random(in: 1...5, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
        }
        for _ in 0..<60 {
            let (user, groups) = (name(), [name(), name()])
            let made = try store.create(user: user, groups: groups, expires: nil, date: today)
            let record = try #require(try store.list().first)
            #expect(record == made.record)
            #expect(record.user == user && record.groups == groups)
            _ = try store.revoke(id: record.id)
        }
        let groups = (0..<1_000).map { "\($0)-" + String(repeating: "g", count: 1_000) }
        #expect(
            try store.create(user: "a", groups: Array(groups.prefix(900)), expires: nil, date: today).record.id != "")
        let found = problem { () throws(AccessProblem) in
            try store.create(user: "a", groups: Array(groups.suffix(900)), expires: nil, date: today).token
        }
        #expect(found?.contains("does not fit into it any more") == true)
        #expect(try store.list().count == 1)
    }

    @Test func noMoreThanTwoThousand() throws {
        var list = TokenList.empty
        var generator = Repeatable(seed: 4)
        while list.records.count < TokenList.maximumTokens {
            let (id, token) = NodekeepToken.make(with: &generator) { _ in false }
            let record = TokenRecord(
                id: id, user: "user", groups: ["group"], created: today, expires: today,
                hash: Fingerprint(of: Array(token.utf8)))
            #expect(list.append(record) || true)
        }
        try scratch.write(list.text, to: "tokens.yaml")
        #expect(try store.list() == list.records)
        let found = problem { () throws(AccessProblem) in
            try store.create(user: "a", groups: [], expires: nil, date: today).token
        }
        #expect(found?.contains("there are 2000 tokens, and no more are kept") == true)
    }
}

@Suite struct TokenListTests {
    private let head = "apiVersion: nodekeep/v1\nkind: TokenList\n"
    private let hash = "sha256:" + String(repeating: "0", count: 64)

    private func failure(_ text: String) -> [String] {
        problems { () throws(AccessProblems) in try TokenList(Array(text.utf8), file: "t") }
    }

    private func entry(_ changes: [String: String?] = [:]) -> String {
        var fields: [(String, String)] = [
            ("id", "bcdfghjklmnp"), ("user", "alice"), ("created", "\"2026-11-21T06:12:33Z\""), ("hash", hash),
        ]
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            if let value { fields.append((name, value)) }
        }
        return head + "tokens:\n- " + fields.map { "\($0.0): \($0.1)" }.joined(separator: "\n  ") + "\n"
    }

    @Test func whatMayBeLeftOut() throws {
        let list = try TokenList(Array(entry().utf8), file: "t")
        #expect(list.records.count == 1)
        #expect(list.records.first?.groups == [])
        #expect(list.records.first?.expires == nil)
        #expect(list[id: "bcdfghjklmnp"]?.user == "alice")
        #expect(try TokenList(Array((head + "tokens: []").utf8), file: "t") == .empty)
        #expect(try TokenList(Array(TokenList.empty.text.utf8), file: "t") == .empty)
    }

    @Test func mistakes() {
        for name in ["id", "user", "created", "hash"] {
            #expect(failure(entry([name: nil])) == ["t:4: tokens[0].\(name): is missing"])
        }
        #expect(failure(entry(["id": "x"])) == ["t:7: tokens[0].id: is not the id of a token"])
        #expect(failure(entry(["user": "\"\""])) == ["t:7: tokens[0].user: is empty"])
        #expect(failure(entry(["user": "1"])).first?.contains("put it in quotes") == true)
        #expect(failure(entry(["created": "yesterday"])).first?.contains("is no time") == true)
        #expect(failure(entry(["expires": "never"])).first?.contains("is no time") == true)
        #expect(failure(entry(["groups": "ops"])).first?.contains("it must be a list") == true)
        #expect(failure(entry(["groups": "[]"])).first?.contains("is an empty list") == true)
        #expect(failure(entry(["token": "SECRET"])).first?.hasPrefix("t:8: tokens[0].token: there is no field") == true)
        #expect(failure(entry(["user": "uid:0"])).first?.contains("local socket") == true)
        let twice = entry() + entry().dropFirst(head.utf8.count + "tokens:\n".utf8.count)
        #expect(failure(String(twice)) == ["t:8: tokens[1].id: bcdfghjklmnp comes twice"])
        // A secret in the wrong place is not told.
        for wrong in ["nkt_SECRET", "SECRET", "sha256:SECRET", "sha512:" + String(repeating: "0", count: 64)] {
            #expect(
                failure(entry(["hash": wrong]))
                    == ["t:7: tokens[0].hash: is not sha256: and 64 lower-case hexadecimal digits"])
        }
        #expect(failure("").first?.contains("the file is empty") == true)
        #expect(failure("apiVersion: nodekeep/v1\nkind: Policy\ntokens: []").count == 1)
        #expect(failure(head) == ["t:1: tokens: is missing; a list without tokens is written []"])
        #expect(failure(head + "tokens: 1") == ["t:3: tokens: it must be a list"])
        #expect(failure(head + "tokens: [1]").first?.contains("it must be a mapping") == true)
    }
}
