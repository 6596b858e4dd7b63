// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Checkpoint

@Suite struct CriuLogTests {
    private func lines(_ text: String) -> [String] { CriuLog.lastLines(Array(text.utf8)) }

    @Test func theLastTwentyInTheirOrder() {
        let text = (1...50).map { "(00.00000\($0)) line \($0)" }.joined(separator: "\n") + "\n\n  \r\n"
        #expect(lines(text) == (31...50).map { "(00.00000\($0)) line \($0)" })
        #expect(lines("") == [])
        #expect(lines("\n\n") == [])
    }

    @Test func errorsFirstOfAll() {
        var text = (1...50).map { "line \($0)" }
        text[2] = "(00.1) Error (criu/mem.c:1): no"
        text[9] = "(00.2) Error (criu/mem.c:2): never"
        let kept = lines(text.joined(separator: "\n"))
        #expect(kept.count == 20)
        #expect(Array(kept.prefix(3)) == [text[2], text[9], "line 33"])
        let errors = (1...30).map { "Error (a.c:\($0))" }
        #expect(lines((errors + ["done"]).joined(separator: "\n")) == Array(errors.suffix(20)))
    }

    @Test func longLinesAreCut() throws {
        let exact = String(repeating: "x", count: 300)
        #expect(lines(exact) == [exact])
        #expect(lines(exact + "y") == [String(repeating: "x", count: 297) + "…"])
        for character in ["é", "€", "😀", "\u{1}"] {
            for offset in 1..<4 {
                let text = String(repeating: "a", count: offset) + String(repeating: character, count: 400)
                let line = try #require(lines(text).first)
                #expect(line.utf8.count <= 300 && line.utf8.count > 290 && line.hasSuffix("…"))
            }
        }
    }

    @Test func hostileBytesAreMadePrintable() {
        #expect(lines("a\u{1b}[31mred\u{7}\tb\r") == ["a\u{fffd}[31mred\u{fffd} b\u{fffd}"])
        #expect(lines("a\u{202e}b\u{2028}c\u{85}") == ["a\u{fffd}b\u{fffd}c\u{fffd}"])
        #expect(CriuLog.lastLines([0x61, 0xff, 0xc3, 0x62, 0]) == ["a\u{fffd}\u{fffd}b\u{fffd}"])
        let all = CriuLog.lastLines((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        #expect(all.count == 20)
    }
}
