// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite struct YAMLParserTests {
    static let plainScalars: [(String, YAMLScalar.ScalarType)] = [
        ("~", .null), ("null", .null), ("true", .bool(true)), ("False", .bool(false)), ("yes", .string),
        ("on", .string),
        ("0", .int(0)), ("-7", .int(-7)), ("+7", .int(7)), ("0x1F", .int(31)), ("0o17", .int(15)), ("0x-1", .string),
        ("014", .string), ("-014", .string), ("9223372036854775807", .int(.max)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1_000", .string), ("1.5", .double(1.5)),
        (".5", .double(0.5)), ("5.", .double(5)), ("1e3", .double(1000)), ("1e", .string),
        ("1e999", .double(.infinity)),
        (".inf", .double(.infinity)), ("-.INF", .double(-.infinity)), ("inf", .string), ("nan", .string),
        ("0x1p3", .string),
        ("100Mi", .string), ("10%", .string), ("1:30", .string), ("+", .string), (".", .string),
    ]

    @Test(
        "A plain scalar has the type of the core schema, and is a text where YAML 1.1 and 1.2 disagree",
        arguments: plainScalars)
    func plain(text: String, type: YAMLScalar.ScalarType) throws {
        let node = try YAML.parse("[ \(text) ]")
        #expect(node.items?.first?.scalar?.type == type)
    }

    @Test("Not a number is a number to YAML")
    func notANumber() throws {
        let type = try YAML.parse(".nan").scalar?.type
        guard case .double(let value)? = type else { Issue.record("\(String(describing: type))"); return }
        #expect(value.isNaN)
    }

    @Test("Quoted scalars and the tag !!str are texts, other core tags must fit")
    func tags() throws {
        #expect(try YAML.parse("'5'").scalar?.type == .string)
        #expect(try YAML.parse("\"true\"").scalar?.type == .string)
        #expect(try YAML.parse("!!str 5").scalar?.type == .string)
        #expect(try YAML.parse("! 5").scalar?.type == .string)
        #expect(try YAML.parse("!!int \"5\"").scalar?.type == .int(5))
        #expect(try YAML.parse("!!float 5").scalar?.type == .double(5))
        #expect(throws: YAML.SyntaxError.self) { try YAML.parse("!!int five") }
        #expect(throws: YAML.SyntaxError.self) { try YAML.parse("!!binary aGk=") }
        #expect(throws: YAML.SyntaxError.self) { try YAML.parse("!!python/object:os.system {a: b}") }
        #expect(throws: YAML.SyntaxError.self) { try YAML.parse("!!set [a]") }
    }

    @Test("A tag that is not accepted is shown on one line", arguments: ["!a%0ab c", "!a%0ab [c]", "!a%0ab {c: d}"])
    func tagsAreEscaped(text: String) {
        let error = #expect(throws: YAML.SyntaxError.self) { try YAML.parse(text) }
        #expect(error?.message == #"the tag "!a\nb" is not accepted here"#)
    }

    @Test("Every value knows its line")
    func lines() throws {
        let root = try YAML.parse("# comment\na: 1\nb:\n  c: 2\n  d:\n    - 3\n    - 4\n")
        let b = try #require(root.entries?[1])
        #expect(b.keyLine == 3)
        #expect(b.value.entries?[0].keyLine == 4)
        #expect(b.value.entries?[1].value.items?[1].line == 7)
    }

    @Test("JSON is read as YAML")
    func json() throws {
        let root = try YAML.parse("{\"a\": {\"b\": [1, true, null, \"x\"]}, \"c\":\"d\"}")
        #expect(root.entries?.count == 2)
        #expect(
            root.entries?[0].value.entries?[0].value.items?.map(\.scalar?.type) == [
                .int(1), .bool(true), .null, .string,
            ])
    }

    @Test(
        "An empty document is a null",
        arguments: ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "\u{feff}", "null"])
    func empty(text: String) throws {
        #expect(try YAML.parse(text).isNull)
    }

    @Test("A byte order mark in front is passed over")
    func byteOrderMark() throws {
        #expect(try YAML.parse("\u{feff}a: 1").entries?.first?.key == "a")
    }

    static let bad: [(text: String, line: Int, word: String)] = [
        ("a: *b", 1, "alias"),
        ("x: 1\na: &b [1]\nc: *b", 3, "alias"),
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: 1\n\"a\": 3", 2, "twice"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("a:\n\tb: 1", 2, "tab"),
        ("a: 1\n  b: 2", 2, "not YAML"),
        ("a: [1", 1, "not YAML"),
        ("a: \"x", 1, "not YAML"),
        ("? [a]\n: b", 1, "key"),
        ("? {a: b}\n: c", 1, "key"),
        ("a: b: c", 1, "not YAML"),
        ("a: 1\nb: x\u{0}y", 2, "NUL"),
        ("a: \u{1}", 1, "not YAML"),
        ("%YAML 3.0\n---\na: 1", 1, "not YAML"),
    ]

    @Test("What is no configuration gives an error with its line", arguments: bad)
    func errors(text: String, line: Int, word: String) {
        let error = #expect(throws: YAML.SyntaxError.self) { try YAML.parse(text) }
        #expect(error?.line == line)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    static let big: [(unit: String, count: Int, line: Int, word: String)] = [
        ("[", 33, 1, "nested deeper than 32"), ("[", 400_000, 1, "nested deeper"), ("{a: ", 40, 1, "nested deeper"),
        ("- ", 400_000, 1, "nested deeper"), ("? ", 400_000, 1, "key"),
        ("-\n", 500_000, 50_000, "more than 50000 values"),
        ("a", (1 << 20) + 1, 1, "larger than"), ("[]: ", 200_000, 1, ""), ("&a ", 300_000, 1, ""),
        ("!!str ", 100_000, 1, ""),
        ("'", (1 << 20) - 1, 1, "not YAML"), ("%", 1 << 20, 1, ""), ("{", 1 << 20, 1, "key"),
        ("a: ", 300_000, 1, "not YAML"),
    ]

    @Test("A hostile file is refused at once", .timeLimit(.minutes(1)), arguments: big)
    func hostile(unit: String, count: Int, line: Int, word: String) {
        let start = ContinuousClock.now
        let error = #expect(throws: YAML.SyntaxError.self) { try YAML.parse(String(repeating: unit, count: count)) }
        #expect(error?.line == line)
        #expect(word.isEmpty || error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("Thirty-two levels are read, and a megabyte of one text")
    func allowed() throws {
        let brackets = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(throws: Never.self) { try YAML.parse(brackets) }
        #expect(try YAML.parse(String(repeating: "a", count: 1 << 20)).scalar?.text.utf8.count == 1 << 20)
        #expect(try YAML.parse((0..<20_000).map { "k\($0): 1\n" }.joined()).entries?.count == 20_000)
    }

    @Test("Bytes that are not UTF-8 are named with their line")
    func encoding() {
        let latin1 = #expect(throws: YAML.SyntaxError.self) { try YAML.parse(Array("a: 1\nb: ".utf8) + [0xe9, 0x0a]) }
        #expect(latin1?.message == "bytes that are not UTF-8")
        #expect(latin1?.line == 2)
        let utf16 = #expect(throws: YAML.SyntaxError.self) { try YAML.parse([0xff, 0xfe, 0x61, 0x00]) }
        #expect(utf16?.message.contains("UTF-16") == true)
        let overlong = #expect(throws: YAML.SyntaxError.self) { try YAML.parse([0xc0, 0x80]) }
        #expect(overlong?.line == 1)
    }

    @Test("No cut and no changed byte of a file is more than an error")
    func mutations() {
        let text = Array("{a: [1, \"b\", 'c'], d: !!str 5, e: |\n  f\n, ? g : &h {i: ~}}\n# j\n---\nk:\n  - l\n".utf8)
        for cut in text.indices { _ = try? YAML.parse(Array(text[..<cut])) }
        for index in text.indices {
            for byte: UInt8 in [0, 9, 10, 0x21, 0x22, 0x26, 0x2a, 0x3a, 0x5b, 0x7b, 0x7d, 0x80, 0xff] {
                var changed = text
                changed[index] = byte
                _ = try? YAML.parse(changed)
            }
        }
    }
}
