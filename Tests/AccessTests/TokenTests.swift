// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Access

@Suite struct BearerTests {
    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER abc", "abc"), ("  bEaReR abc\t", "abc"),
        // The second word; what follows is nobody's business.
        ("Bearer abc def", "abc"), ("Bearer abc  def ghi", "abc"), ("Bearer a=b", "a=b"),
    ])
    func tokens(_ header: String, _ token: String) { #expect(BearerToken(header) == .token(token)) }

    @Test(arguments: [
        nil, "", " ", "Bearer", "Bearer ", " Bearer  ", "Bearer  abc", "Basic abc", "Bearerabc", "Bearers abc",
        "Beare abc",
        "\u{a0}Bearer abc", "béarer abc", "abc",
    ])
    func nothingToJudge(_ header: String?) { #expect(BearerToken(header) == .none) }

    @Test(arguments: [
        "Bearer a\0", "Bearer a\r\nx: y", "Bearer\ta", "Bearer a\u{7f}", "Basic \n", "Bearer ok \0", "\r\nBearer a",
        "\0",
    ])
    func controlCharacters(_ header: String) {
        #expect(BearerToken(header) == .malformed("the Authorization header has control characters in it"))
    }

    @Test func length() {
        let longest = String(repeating: "x", count: 8_192)
        #expect(BearerToken("Bearer " + longest) == .token(longest))
        #expect(BearerToken("Bearer x" + longest) == .malformed("the token is longer than 8192 bytes"))
    }

    /// Against the words of bearertoken.go, written down once more.
    @Test func randomHeaders() {
        var generator = Repeatable(seed: 2)
        let pieces = ["Bearer", "bearer", "basic", " ", " ", "  ", "a", "é", "\u{2028}", "tok.en", ",", "\t", "\0"]
        for _ in 0..<5_000 {
            let header = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            var text = Substring(header)
            while let first = text.utf8.first, first == 0x20 || first == 9 { text = Substring(text.utf8.dropFirst()) }
            while let last = text.utf8.last, last == 0x20 || last == 9 { text = Substring(text.utf8.dropLast()) }
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            let isBearer = words.count >= 2 && words[0].lowercased() == "bearer" && !words[1].isEmpty
            if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
                guard case .malformed = BearerToken(header) else {
                    Issue.record("\(header.debugDescription)")
                    continue
                }
            } else {
                #expect(
                    BearerToken(header) == (isBearer ? .token(String(words[1])) : .none), "\(header.debugDescription)")
            }
        }
    }
}

@Suite struct StaticTokenTests {
    private func parse(_ text: String) throws -> StaticTokens { try StaticTokens(Array(text.utf8), file: "tokens.csv") }

    private func failure(_ text: String) -> [String] {
        problems { () throws(AccessProblems) in try StaticTokens(Array(text.utf8), file: "tokens.csv") }
    }

    @Test func users() throws {
        let tokens = try parse(
            "\u{feff}# a comment, with a \" in it\r\ntoken1,alice,1,\"ops,dev\"\r\n\r\n  \ntoken2,bob,,\ntoken3,\"b,\"\"x\"\"\",3"
        )
        #expect(tokens.count == 3)
        let alice = Identity(
            name: "alice", uid: "1", groups: ["ops", "dev", "system:authenticated"], method: .staticToken)
        #expect(tokens.identity(of: "token1") == alice)
        #expect(tokens.identity(of: "token2")?.groups == ["system:authenticated"])
        #expect(tokens.identity(of: "token2")?.uid == nil)
        #expect(tokens.identity(of: "token3")?.name == "b,\"x\"")
        for wrong in ["", "token", "token11", "Token1", "token1\n", "# a comment"] {
            #expect(tokens.identity(of: wrong) == nil)
        }
        #expect(try parse("").count == 0)
        #expect(try parse("t,u,i,one").identity(of: "t")?.groups == ["one", "system:authenticated"])
    }

    @Test(arguments: [
        ("SECRET", "tokens.csv:1: 1 columns; at least token, user name and uid are wanted"),
        ("\nSECRET,alice", "tokens.csv:2: 2 columns; at least token, user name and uid are wanted"),
        (
            "SECRET,alice,1,ops,dev",
            "tokens.csv:1: 5 columns; several groups belong in one pair of quotes: \"one,two\""
        ),
        (",alice,1", "tokens.csv:1: the token is empty"),
        ("SECRET,,1", "tokens.csv:1: the user name is empty"),
        ("SECRET,a,1\nx,b,2\nSECRET,c,3", "tokens.csv:3: the token of line 1 again"),
        ("SECRET,a,1,\"ops, dev\"", "tokens.csv:1: a space around the name of group 2"),
        ("SECRET,a,1,\"ops,,dev\"", "tokens.csv:1: the group is empty"),
        ("SEC RET,a,1", "tokens.csv:1: the token has a space or a character beyond ASCII in it, and could not be sent"),
        ("SECRÉT,a,1", "tokens.csv:1: the token has a space or a character beyond ASCII in it, and could not be sent"),
        ("\"SECRET,a,1", "tokens.csv:1: a quote that is not closed on its line"),
        ("\"SECRET\n\",a,1", "tokens.csv:1: a quote that is not closed on its line"),
        ("\"SECRET\"x,a,1", "tokens.csv:1: text behind a closing quote; a quote inside quotes is written twice"),
        ("SEC\"RET,a,1", "tokens.csv:1: a quote in the middle of a column; put the whole column in quotes"),
        ("SECRET\0,a,1", "tokens.csv:1: a control character"),
        ("SECRET,a\rb,1", "tokens.csv:1: a control character"),
        ("SECRET\t,a,1", "tokens.csv:1: a control character"),
        ("x,uid:0SECRET,1", "tokens.csv:1: the user name is that of a user at the local socket (uid:…)"),
        ("x,a,1,gid:SECRET", "tokens.csv:1: the group is one of the local socket (gid:…)"),
        ("x,SECRET\u{2028},1", "tokens.csv:1: the user name has control characters in it"),
    ])
    func mistakes(_ text: String, _ message: String) {
        let found = failure(text)
        #expect(found.first == message)
        #expect(found.allSatisfy { !$0.contains("SECRET") && !$0.contains("RET") })
    }

    @Test func manyMistakes() {
        let found = failure(String(repeating: "SECRET\n", count: 10_000))
        #expect(found.count == 51)
        #expect(found.last == "tokens.csv: more than 50 problems, no more are shown")
        let invalid = problems { () throws(AccessProblems) in
            try StaticTokens(Array("a,b,c\n".utf8) + [0xff, 0x2c, 0x61, 0x2c], file: "tokens.csv")
        }
        #expect(invalid == ["tokens.csv:2: bytes that are not UTF-8"])
        #expect(failure(String(repeating: ",", count: 100)) == ["tokens.csv:1: more than 64 columns"])
        #expect(
            failure("\(String(repeating: "x", count: 8_193)),a,1") == [
                "tokens.csv:1: the token is longer than 8192 bytes"
            ])
    }

    @Test func noMoreThanTenThousand() throws {
        let lines = (0..<10_001).map { "token\($0),user,\n" }
        #expect(try parse(lines.dropLast().joined()).count == 10_000)
        #expect(failure(lines.joined()) == ["tokens.csv:10001: more than 10000 tokens"])
    }

    /// Whatever it is fed: no crash, no token in an error, and a line that is written well is read as it was meant.
    @Test func randomFiles() throws {
        var generator = Repeatable(seed: 3)
        let bytes: [UInt8] = Array("ab,,\"\"\n\r# \t".utf8) + [0, 0xff, 0xc3, 0xa9]
        for _ in 0..<3_000 {
            let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                bytes.randomElement(using: &generator) ?? 0
            }
            _ = problems { () throws(AccessProblems) in try StaticTokens(text, file: "f") }
            _ = try? CSVRecord.fields(text[...], limit: 64)
        }
        let letters = Array("ab,\"é #".unicodeScalars)
        for _ in 0..<1_000 {
            let fields = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                var text = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0...6, using: &generator) {
                    if let letter = letters.randomElement(using: &generator) { text.append(letter) }
                }
                return String(text)
            }
            let line = fields.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
            #expect(try CSVRecord.fields(Array(line.utf8)[...], limit: 64) == fields.map { Array($0.utf8) })
        }
    }
}
