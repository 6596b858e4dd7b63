// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite struct YAMLEmitterTests {
    typealias Field = ConfigurationValue.Field

    @Test("Trees are written in block style, in their own order")
    func block() {
        let value = ConfigurationValue.object([
            Field("b", .int(1)),
            Field("a", .object([Field("list", .array([.string("x"), .object([Field("z", .bool(true))])]))])),
            Field("none", .null), Field("empty", .array([])), Field("nothing", .object([])), Field("d", .double(1.5)),
        ])
        #expect(
            YAML.text(of: value) == """
                b: 1
                a:
                  list:
                  - x
                  - z: true
                none: null
                empty: []
                nothing: {}
                d: 1.5

                """)
    }

    static let strings = [
        "", "plain", "true", "No", "y", "null", "~", "5", "-1", "0x10", "014", "1e3", "1:30", "2001-01-01", "::", ".5",
        "<<", "=", "a: b", "a #b", "#a", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "'a'", "\"a\"", " a ",
        "a\nb", "a\n", "\t", "\u{0}", "\u{7f}", "\u{85}", "\u{feff}", "\u{2028}", "é", "日本",
        "👩‍👩‍👧", "a:", ":a", "?", "-",
        "?a",
        "---", "...", "10%", "100Mi", ".inf", "-.INF", "+.Inf", ".NaN", "1_000", "0b1", "190:20:30",
        "2001-12-14t21:59:43.10-05:00", "memory.available", String(repeating: "long text ", count: 500),
    ]

    @Test("Every text comes back as the text it was, as a value and as a key", arguments: strings)
    func roundTrip(text: String) throws {
        let node = try YAML.parse(YAML.text(of: .object([Field("k", .array([.string(text)]))])))
        let scalar = try #require(node.entries?.first?.value.items?.first?.scalar)
        #expect(scalar.text == text)
        #expect(scalar.type == .string)
        // A simple key ends after 1024 characters; longer ones are no one's field names.
        if text.utf8.count < 1_000 {
            #expect(try YAML.parse(YAML.text(of: .object([Field(text, .int(1))]))).entries?.first?.key == text)
        }
    }

    @Test(
        "Quotes are put where some YAML parser would see something else than a text, and nowhere else",
        arguments: [
            ("5m0s", "5m0s"), ("100Mi", "100Mi"), ("10%", "10%"), ("nodekeep", "nodekeep"),
            ("10.0.0.1", "\"10.0.0.1\""),
            ("::1", "::1"), ("yes", "\"yes\""), ("0o7", "\"0o7\""), ("1e3", "\"1e3\""),
            ("2026-11-21T00:51:05Z", "\"2026-11-21T00:51:05Z\""),
        ])
    func quotes(text: String, written: String) {
        #expect(YAML.text(of: .array([.string(text)])) == "- \(written)\n")
    }

    @Test(
        "A single value is a document too",
        arguments: [
            (ConfigurationValue.string("x"), "x"), (.int(5), "5"), (.null, "null"), (.double(.nan), ".nan"),
            (.double(-.infinity), "-.inf"), (.double(0.1), "0.1"), (.double(1e-7), "1e-07"), (.array([.int(1)]), "- 1"),
        ])
    func single(value: ConfigurationValue, text: String) throws {
        let written = YAML.text(of: value)
        #expect(written.hasPrefix(text + "\n"))
        #expect(throws: Never.self) { try YAML.parse(written) }
    }

    @Test("Numbers come back as the numbers they were", arguments: [1.5, 1e300, -1e-300, 5, 0.1, 123_456_789.123])
    func numbers(value: Double) throws {
        #expect(try YAML.parse(YAML.text(of: .double(value))).scalar?.type == .double(value))
    }

    @Test("A tree of a thousand levels is written")
    func deep() {
        let value = (0..<1_000).reduce(ConfigurationValue.int(1)) { inner, _ in .array([inner]) }
        #expect(YAML.text(of: value).hasSuffix("- 1\n"))
    }
}
