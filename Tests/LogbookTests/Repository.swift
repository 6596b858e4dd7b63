// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The files that the tests compare with.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Swift files by their path below Sources.
    static func sources() throws -> [String: String] {
        let folder = root.appending(path: "Sources")
        var texts: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path()) where path.hasSuffix(".swift") {
            texts[path] = try text("Sources/" + path)
        }
        return texts
    }
}

/// An entry of packaging/nodekeep.catalog, read as journalctl reads it: `-- id`, headers up to an empty line, text.
struct CatalogEntry {
    var id: String
    /// The comment above it.
    var name: String
    var headers: [String: String] = [:]
    var text: [String] = []

    /// The fields that are filled in.
    var fields: Set<String> {
        let all = (Array(headers.values) + text).joined(separator: "\n")
        return Set(all.matches(of: #/@([A-Z0-9_]+)@/#).map { String($0.1) })
    }

    static func all() throws -> [CatalogEntry] {
        var entries: [CatalogEntry] = []
        var comment = ""
        var isHeader = false
        for line in try Repository.text("packaging/nodekeep.catalog").components(separatedBy: "\n") {
            if line.hasPrefix("#") {
                comment = String(line.drop { $0 == "#" || $0 == " " })
            } else if line.hasPrefix("-- ") {
                entries.append(CatalogEntry(id: String(line.dropFirst(3)), name: comment))
                isHeader = true
            } else if line.isEmpty {
                isHeader = false
            } else if isHeader, let colon = line.firstIndex(of: ":") {
                entries[entries.count - 1].headers[String(line[..<colon])] =
                    line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            } else {
                entries[entries.count - 1].text.append(line)
            }
        }
        return entries
    }
}
