// SPDX-License-Identifier: Apache-2.0
internal import Logbook
package import Logging
internal import Glibc
internal import NodeStatus
internal import Systemd

/// Where records go: natively to the journal when standard error is the journal, else as lines to standard error.
package enum AgentLogging {
    package static func bootstrap(level: Logger.Level) {
        logLevel.set(level)
        if Journal.isStandardError {
            LoggingSystem.bootstrap { _ in JournalLogHandler() }
        } else {
            LoggingSystem.bootstrap { _ in StandardErrorLogHandler() }
        }
    }

    /// `--v` as the kubelet means it: 0 and 1 are for operators, 2 and 3 say more, 4 and up is debugging.
    package static func level(verbosity: Int) -> Logger.Level {
        switch verbosity {
        case ...3: .info
        case 4...5: .debug
        default: .trace
        }
    }

    /// The level of every logger, so that a re-read configuration can change it.
    package static let logLevel = SharedLogLevel()
}

/// One line a record: time, level, message, then `key=value` for the metadata, sorted. The kind is among them by name
/// (`event=web-ended`): whoever collects lines, from a container say, can tell by it what to wake somebody for, and
/// finds it in packaging/nodekeep.catalog. The id means nothing outside the journal.
struct StandardErrorLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { AgentLogging.logLevel.get() }
        set { AgentLogging.logLevel.set(newValue) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = Time.now().rfc3339 + " " + event.level.rawValue + " " + Self.printable(event.message.description)
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=" + Self.quoted(value.description)
        }
        line += "\n"
        var bytes = Array(line.utf8)
        _ = write(STDERR_FILENO, &bytes, bytes.count)
    }

    /// What others said may hold control bytes; a terminal must not obey them, a line must stay a line.
    ///
    /// - Parameter keepsLines: journalctl shows a message's lines as what they are.
    static func printable(_ text: String, keepsLines: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += keepsLines ? "\n" : "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
                result += "\\x" + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func quoted(_ value: String) -> String {
        let text = printable(value)
        guard text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
    }
}

/// Every metadata key becomes a field of its own: `condition` is `NODEKEEP_CONDITION`. The record's kind is its
/// `MESSAGE_ID`, by which `journalctl -x` explains it, and by its name `NODEKEEP_EVENT`.
struct JournalLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { AgentLogging.logLevel.get() }
        set { AgentLogging.logLevel.set(newValue) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard !Journal.send(fields(event)) else { return }
        // The journal is not there just now: the service manager still reads standard error.
        StandardErrorLogHandler(metadata: metadata).log(event: event)
    }

    func fields(_ event: LogEvent) -> [(name: String, value: String)] {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        var fields: [(name: String, value: String)] = [
            ("MESSAGE", StandardErrorLogHandler.printable(event.message.description, keepsLines: true)),
            ("PRIORITY", String(Self.priority(event.level))),
            ("SYSLOG_IDENTIFIER", "nodekeep"),
            ("CODE_FILE", event.file),
            ("CODE_LINE", String(event.line)),
            ("CODE_FUNC", event.function),
        ]
        if let kind = all.kind { fields.append(("MESSAGE_ID", kind.messageID)) }
        for (key, value) in all {
            // The catalog's explanations are shown with them: no line of theirs may look like one of ours.
            fields.append((Self.fieldName(key), StandardErrorLogHandler.printable(value.description)))
        }
        return fields
    }

    /// syslog(3) priorities.
    static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Field names are upper case letters, digits and underscores, at most 64 (journal-fields(7)).
    static func fieldName(_ key: String) -> String {
        let name = key.utf8.map { byte -> Character in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): Character(UnicodeScalar(byte - 0x20))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                Character(UnicodeScalar(byte))
            default: "_"
            }
        }
        return String(("NODEKEEP_" + String(name)).prefix(64))
    }
}
