// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite struct PackagedFileTests {
    private func lines() throws -> [Substring] {
        let bytes = try #require(packageFile("packaging/nodekeep.yaml"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test("The packaged file as it is sets nothing")
    func asItIs() throws {
        let text = try lines().joined(separator: "\n")
        #expect(try YAML.parse(text).isNull)
        #expect(try accepted(text) == Configuration())
    }

    @Test("With one # less on every line it is the defaults, written out")
    func uncommented() throws {
        let text = try lines().map { $0.hasPrefix("#") ? $0.dropFirst() : $0 }.joined(separator: "\n")
        #expect(try accepted(text) == Configuration())
    }

    @Test("Every single field can be uncommented alone")
    func single() throws {
        let settings = try lines().filter { $0.hasPrefix("#") && !$0.hasPrefix("##") }.map { $0.dropFirst() }
        for (index, line) in settings.enumerated() where !line.hasPrefix(" ") {
            let below = settings[(index + 1)...].prefix { $0.hasPrefix(" ") }
            _ = try accepted(([line] + below).joined(separator: "\n"))
        }
    }

    @Test("It names every field and every flag")
    func complete() throws {
        let text = try lines().joined(separator: "\n")
        let set = Set(
            try lines().filter { $0.hasPrefix("#") && !$0.hasPrefix("##") }
                .map { String($0.dropFirst().split(separator: ":").first ?? "") })
        for field in OwnField.all {
            let isTopLevel = !field.name.contains(".")
            // What is below another field is a line of its own, indented, or is named in the lines that explain.
            let isNamed =
                text.contains(field.name)
                || set.contains(
                    field.name.split(separator: ".").map(String.init).enumerated().last.map {
                        String(repeating: " ", count: 2 * $0.offset) + $0.element
                    } ?? "")
            #expect(isTopLevel ? set.contains(field.name) : isNamed, "\(field.name)")
            if let flag = field.flag { #expect(text.contains(flag)) }
        }
    }
}
