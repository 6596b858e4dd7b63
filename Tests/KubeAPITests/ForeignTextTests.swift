// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import Testing

@Suite struct ForeignTextTests {
    @Test func isOneLine() {
        #expect(ForeignText.line("a\n\tb  c\r\n") == "a b c")
        #expect(ForeignText.line("\u{1b}[31mred\u{202e}") == "\\u{1b}[31mred\\u{202e}")
        #expect(ForeignText.line("abcdef", limit: 3) == "abc…")
    }

    @Test func secretsDoNotShow() {
        let secret = Secret("0123456789abcdef")
        #expect("\(secret) \(String(reflecting: secret))" == "(secret) (secret)")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("48"))
    }

    @Test func leaksAreSeen() {
        let secret = Secret("0123456789abcdef")
        #expect(secret.leaks(into: "bad token 0123456789abcdef"))
        #expect(secret.leaks(into: "cut off at 01234567"))
        #expect(!secret.leaks(into: "0123 4567"))
        #expect(!Secret("").leaks(into: "anything"))
        #expect(Secret("abc").leaks(into: "xabc"))
    }
}
