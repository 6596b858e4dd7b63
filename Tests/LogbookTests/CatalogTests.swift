// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logbook
import Logging
import Testing

@Suite("The journal's catalog")
struct CatalogTests {
    @Test("Every id is one, and no two kinds have the same")
    func ids() {
        for kind in LogKind.allCases {
            let id = kind.messageID
            // As `journalctl --new-id128` makes them: random, version 4.
            #expect(id.wholeMatch(of: /[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}/) != nil, "\(kind): \(id)")
        }
        #expect(Set(LogKind.allCases.map(\.messageID)).count == LogKind.allCases.count)
    }

    @Test("Every kind is explained, and nothing else")
    func entries() throws {
        let entries = try CatalogEntry.all()
        let names = Dictionary(grouping: entries, by: \.id).mapValues { $0.map(\.name) }
        for kind in LogKind.allCases {
            #expect(names[kind.messageID] == [kind.rawValue], "\(kind)")
        }
        #expect(entries.count == LogKind.allCases.count)
        for entry in entries {
            #expect(entry.headers.keys.sorted() == ["Defined-By", "Subject"], "\(entry.name)")
            #expect(entry.headers["Defined-By"] == "nodekeep", "\(entry.name)")
            #expect(!entry.text.isEmpty && entry.text.allSatisfy { $0.count <= 120 }, "\(entry.name)")
        }
    }

    /// One that a record does not have would be shown as a name between at signs.
    @Test("Only fields are filled in that every record of the kind has")
    func fields() throws {
        let explained = Dictionary(try CatalogEntry.all().map { ($0.id, $0) }) { first, _ in first }
        for kind in LogKind.allCases {
            guard let entry = explained[kind.messageID] else { continue }
            let known = Set(kind.fields.map { "NODEKEEP_" + $0.uppercased() })
            #expect(entry.fields.isSubset(of: known), "\(kind): \(entry.fields.subtracting(known))")
        }
    }

    @Test("The metadata of a record names its kind")
    func metadata() {
        let metadata = Logger.Metadata.of(.webEnded, ["pid": "1"])
        #expect(metadata == ["pid": "1", "event": "web-ended"])
        #expect(metadata.kind == .webEnded)
        #expect(Logger.Metadata().kind == nil)
    }
}

/// What the agent says, as far as its source shows it.
@Suite("Records of the sources")
struct RecordTests {
    /// From the parenthesis to the one that closes it. Strings hold none but in pairs: those of interpolations.
    private static func call(_ text: Substring) -> Substring {
        var depth = 0
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                depth -= 1
                if depth == 0 { return text[...index] }
            }
        }
        return text
    }

    @Test("Every record for an operator is of a kind, and every kind is used")
    func kinds() throws {
        var used: Set<String> = []
        for (path, text) in try Repository.sources() {
            for match in text.matches(of: /[lL]ogger\.(?:log|info|notice|warning|error|critical)\(/) {
                let call = Self.call(text[text.index(before: match.range.upperBound)...])
                #expect(call.contains(".of("), "\(path): \(call)")
            }
            guard !path.hasPrefix("Logbook/") else { continue }
            for match in text.matches(of: /\.([a-z][A-Za-z]+)\b/) { used.insert(String(match.1)) }
        }
        for kind in LogKind.allCases { #expect(used.contains("\(kind)"), "nothing is ever logged as \(kind)") }
    }
}

@Suite("A limit on records")
struct LogAllowanceTests {
    @Test("So many at once, then so many a second, and the rest is counted")
    func limit() {
        var allowance = LogAllowance(burst: 3, perSecond: 0.5)
        #expect((0..<5).map { _ in allowance.record(.seconds(100)) } == [0, 0, 0, nil, nil])
        #expect(allowance.record(.seconds(101)) == nil)
        #expect(allowance.record(.seconds(102)) == 3)
        #expect(allowance.record(.seconds(104)) == 0)
        // A clock that stands still or goes back gives nothing.
        #expect(allowance.record(.seconds(90)) == nil)
    }
}
