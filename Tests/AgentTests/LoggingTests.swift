// SPDX-License-Identifier: Apache-2.0
import Logbook
import Logging
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

    private func fields(_ message: String, _ metadata: Logger.Metadata, of logger: Logger.Metadata = [:]) -> [String] {
        JournalLogHandler(metadata: logger).fields(
            LogEvent(
                level: .error, message: "\(message)", metadata: metadata, source: nil, file: "Agent/A.swift",
                function: "f()", line: 7)
        ).map { "\($0.name)=\($0.value)" }
    }

    @Test("A kind is a message id in the journal, and a name")
    func kind() {
        let record = fields(
            "gone", .of(.webEnded, ["pid": "7"]), of: ["job": "1"])
        #expect(record.contains("MESSAGE=gone") && record.contains("PRIORITY=3"))
        #expect(record.contains("MESSAGE_ID=\(LogKind.webEnded.messageID)"))
        #expect(record.contains("NODEKEEP_EVENT=web-ended"))
        #expect(record.contains("NODEKEEP_PID=7") && record.contains("NODEKEEP_JOB=1"))
        #expect(record.contains("CODE_FILE=Agent/A.swift") && record.contains("CODE_LINE=7"))
        #expect(!fields("gone", ["event": "unheard of"]).contains { $0.hasPrefix("MESSAGE_ID=") })
    }

    @Test("Nobody drives a terminal, or adds a line to an explanation, through the journal")
    func control() {
        let record = fields("a\nb\u{1b}[31m", ["path": "/x\n-- forged\u{9b}"])
        #expect(record.contains("MESSAGE=a\nb\\x1b[31m"))
        #expect(record.contains("NODEKEEP_PATH=/x\\n-- forged\\x9b"))
    }
}
