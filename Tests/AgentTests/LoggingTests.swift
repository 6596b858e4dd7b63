// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Agent

@Suite("Log records")
struct LoggingTests {
    @Test("A line stays a line and a terminal is not driven by it")
    func printable() {
        #expect(StandardErrorLogHandler.printable("a\nb\u{1b}[31mc\r\u{85}\t") == "a\\nb\\x1b[31mc\\r\\x85\\t")
        #expect(StandardErrorLogHandler.printable("Größe 10 %") == "Größe 10 %")
    }

    @Test(
        "Values with blanks or quotes are quoted",
        arguments: [("a", "a"), ("", "\"\""), ("a b", "\"a b\""), ("a\"=", "\"a\\\"=\"")])
    func quoted(value: String, text: String) {
        #expect(StandardErrorLogHandler.quoted(value) == text)
    }

    @Test(
        "Metadata keys become journal fields",
        arguments: [("condition", "NODEKEEP_CONDITION"), ("request.id", "NODEKEEP_REQUEST_ID"), ("ä", "NODEKEEP___")])
    func fields(key: String, field: String) {
        #expect(JournalLogHandler.fieldName(key) == field)
        #expect(JournalLogHandler.fieldName(String(repeating: "k", count: 200)).count == 64)
    }
}
