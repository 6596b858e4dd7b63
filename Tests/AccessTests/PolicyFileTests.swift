// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Access

@Suite struct PolicyFileTests {
    private func failure(_ text: String) -> [String] {
        problems { () throws(AccessProblems) in try Policy.parse(Array(text.utf8), file: "p") }
    }

    private let head = "apiVersion: nodekeep/v1\nkind: Policy\nrules:\n"

    private func rule(_ changes: [String: String?] = [:]) -> String {
        var fields = [
            ("name", "a"), ("subjects", "{users: [u]}"), ("verbs", "[get]"), ("endpoints", "[checkpoint]"),
        ]
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            if let value { fields.append((name, value)) }
        }
        return "- " + fields.map { "\($0.0): \($0.1)" }.joined(separator: "\n  ") + "\n"
    }

    private func ruleFailure(_ field: String, _ value: String?) -> String? {
        let found = failure(head + rule([field: value]))
        #expect(found.count == 1, "\(found)")
        return found.first
    }

    @Test func aMinimalRule() throws {
        #expect(failure(head + rule()) == [])
        #expect(try Policy.parse(Array((head + rule() + rule(["name": "b"])).utf8), file: "p").rules.count == 2)
        // JSON is YAML.
        let json = #"{"apiVersion":"nodekeep/v1","kind":"Policy","rules":[]}"#
        #expect(try Policy.parse(Array(json.utf8), file: "p").rules == [])
    }

    @Test func whatIsNoPolicy() {
        #expect(failure("").first?.hasPrefix("p:1: the file is empty; a mapping is wanted") == true)
        #expect(failure("[]").first?.hasPrefix("p:1: the file is a list") == true)
        // It may be anything, a token among it.
        #expect(
            failure("\"secret\\n\"").first?.hasPrefix("p:1: the file is a single value; a mapping is wanted") == true)
        #expect(failure("rules: []").count == 2)
        #expect(
            failure("apiVersion: v1\nkind: Policy\nrules: []") == [
                "p:1: apiVersion: \"v1\" is not allowed: it must be nodekeep/v1"
            ])
        #expect(
            failure("apiVersion: nodekeep/v1\nkind: policy\nrules: []") == [
                "p:2: kind: \"policy\" is not allowed: it must be Policy"
            ])
        #expect(failure("apiVersion: nodekeep/v1\nkind: 1\nrules: []").count == 1)
        #expect(
            failure("apiVersion: nodekeep/v1\nkind: Policy\n") == [
                "p:1: rules: is missing; a policy that allows nobody anything has rules: []"
            ])
        #expect(failure(head) == ["p:3: rules: has no value"])
        #expect(failure("apiVersion:\nkind:\nrules: []").count == 2)
        #expect(failure(head.dropLast() + " 1") == ["p:3: rules: \"1\" is not allowed: it must be a list of rules"])
        #expect(
            failure("rulez: []\n" + head + rule()).first
                == "p:1: rulez: there is no field of this name; there are apiVersion, kind, rules")
        #expect(failure(head + rule() + "rules: []\n").first?.contains("comes twice") == true)
        #expect(failure(head + "- *all\n").first?.contains("alias") == true)
        #expect(failure(head + rule() + "---\nx: 1\n").first?.contains("second document") == true)
        #expect(failure("a\0b").first?.contains("NUL") == true)
        #expect(failure(String(repeating: "[", count: 10_000)).first?.contains("nested deeper") == true)
        #expect(failure(String(repeating: "#", count: 2 << 20)).first?.contains("larger than") == true)
    }

    @Test func whatIsNoRule() {
        for name in ["name", "subjects", "verbs", "endpoints"] {
            #expect(ruleFailure(name, nil) == "p:4: rules[0].\(name): is missing")
            #expect(ruleFailure(name, "") == "p:7: rules[0].\(name): has no value")
        }
        for name in ["verbs", "endpoints", "namespaces", "pods", "containers"] {
            #expect(ruleFailure(name, "[]")?.contains(".\(name): is an empty list") == true)
            #expect(ruleFailure(name, "get")?.contains(".\(name): \"get\" is not allowed: it must be a list") == true)
            #expect(ruleFailure(name, "[[get]]")?.contains(".\(name)[0]: \"a list\" is not allowed") == true)
            #expect(ruleFailure(name, "[1]")?.contains("put it in quotes") == true)
        }
        #expect(
            ruleFailure("subjects", "{}") == "p:7: rules[0].subjects: is empty; it must have users, groups, or both")
        #expect(ruleFailure("subjects", "[u]")?.contains("it must be a mapping") == true)
        #expect(ruleFailure("subjects", "{users: []}")?.contains("subjects.users: is an empty list") == true)
        #expect(ruleFailure("subjects", "{users: u}")?.contains("it must be a list") == true)
        #expect(
            ruleFailure("subjects", "{user: [u]}")?.contains("subjects.user: there is no field of this name") == true)
        #expect(ruleFailure("subjects", "{users: [u], groups: }")?.contains("subjects.groups: has no value") == true)
        for wrong in ["\"*\"", "\"team-*\""] {
            #expect(ruleFailure("subjects", "{users: [\(wrong)]}")?.contains("names are exact") == true)
        }
        #expect(ruleFailure("subjects", "{users: [\"a\\nb\"]}")?.contains("is nobody's name") == true)
        #expect(
            ruleFailure("verbs", "[GET]")?.contains(
                "it must be one of get, list, create, update, patch, delete, or \"*\"") == true)
        #expect(
            ruleFailure("endpoints", "[checkpoint, logs]")?.hasPrefix("p:7: rules[0].endpoints[1]: \"logs\" is not")
                == true)
        #expect(ruleFailure("endpoint", "[stats]")?.contains("there is no field of this name") == true)
        for wrong in ["Team", "a*b", "**", "", "a/b", "a_b", "é", " a", String(repeating: "a", count: 254)] {
            #expect(
                ruleFailure("namespaces", "[\"\(wrong)\"]")?.hasPrefix("p:8: rules[0].namespaces[0]:") == true,
                "\(wrong)")
        }
        #expect(failure(head + "- a\n") == ["p:4: rules[0]: \"a\" is not allowed: it must be a mapping"])
        #expect(failure(head + "- {}\n").count == 4)
        #expect(failure(head + "-\n").count == 1)
        #expect(failure(head + rule() + rule()) == ["p:8: rules[1].name: \"a\" is also the rule on line 4"])
        #expect(failure(head + rule(["name": "\"a\\nb\""])).first?.contains("control characters") == true)
    }

    @Test func containersAreOnlyOfCheckpoints() {
        let both = failure(head + rule(["namespaces": "[a]", "endpoints": "[checkpoints, stats]"]))
        #expect(both.count == 1)
        #expect(both.first?.contains("put \"stats\" into a rule without this field") == true)
        #expect(failure(head + rule(["pods": "[a]", "endpoints": "[\"*\"]"])) == [])
        #expect(failure(head + rule(["containers": "[\"*\"]", "endpoints": "[checkpoint, checkpoints]"])) == [])
    }

    @Test func noMoreThanFits() {
        let many = (0..<1_001).map { rule(["name": "r\($0)"]) }
        #expect(failure(head + many.dropLast().joined()) == [])
        #expect(failure(head + many.joined()) == ["p:3: rules: 1001 rules; 1000 is the limit"])
        let names = (0..<1_001).map { "u\($0)" }.joined(separator: ", ")
        #expect(ruleFailure("subjects", "{users: [\(names)]}")?.contains("1001 items; 1000 is the limit") == true)
        let wrong = failure(head + String(repeating: "- x\n", count: 900))
        #expect(wrong.count == 51)
        #expect(wrong.last == "p: more than 50 problems, no more are shown")
    }

    /// Whatever it is fed, it says no or is a policy.
    @Test func randomFiles() {
        var generator = Repeatable(seed: 5)
        let valid = Array(examplePolicy.utf8)
        for _ in 0..<1_500 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                } else {
                    bytes.removeSubrange(index..<min(index + 12, bytes.count))
                }
            }
            let found = problems { () throws(AccessProblems) in try Policy.parse(bytes, file: "p") }
            #expect(found.allSatisfy { !$0.contains("\n") && $0.utf8.count < 1_000 })
        }
    }
}
