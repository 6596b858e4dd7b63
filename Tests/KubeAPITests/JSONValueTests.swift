// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KubeAPI

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws(KubeJSON.Problem) -> JSONValue {
        try JSONValue.parse(Array(text.utf8))
    }

    private func text(_ value: JSONValue) -> String { String(decoding: value.encoded(), as: UTF8.self) }

    @Test func reads() throws {
        let value = try parse(
            " { \"a\" : [ 1 , -2.50 , 1e+3, 9223372036854775807, 9223372036854775808 ],\t\"b\":{},\"c\":[],\r\n\"d\":null,\"e\":true,\"f\":false,\"\":\"\" } "
        )
        let elements = try #require(value["a"]?.elements)
        #expect(elements.map(\.integer) == [1, nil, nil, .max, nil])
        #expect(value["b"]?.fields == [:])
        #expect(value["c"]?.elements == [])
        #expect(value["d"]?.isNull == true)
        #expect(value["e"]?.flag == true)
        #expect(value["f"]?.flag == false)
        #expect(value[""]?.text == "")
        #expect(value["g"] == nil)
        #expect(value["e"]?.text == nil)
        #expect(value["e"]?.elements == nil)
        #expect(value["e", "x"] == nil)
        // Numbers come out as they went in, and the names in order.
        #expect(
            text(value)
                == #"{"":"","a":[1,-2.50,1e+3,9223372036854775807,9223372036854775808],"b":{},"c":[],"d":null,"e":true,"f":false}"#
        )
    }

    @Test(arguments: [
        (
            #""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t\u0000""#, "é😀\"\\/\u{8}\u{c}\n\r\t\0",
            #""é😀\"\\/\u0008\u000c\n\r\t\u0000""#
        ),
        (#""ü\uFFFF\u001f\u007f""#, "ü\u{ffff}\u{1f}\u{7f}", "\"ü\u{ffff}\\u001f\u{7f}\""),
    ])
    func texts(json: String, plain: String, again: String) throws {
        let value = try parse(json)
        #expect(value == .string(plain))
        #expect(text(value) == again)
        #expect(try parse(again) == value)
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "[1,]", "[,]", "[1 2]", "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}", "nul", "nulll", "True", "1 2", "{} x", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1",
        "NaN",
        "Infinity", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\n\"",
        "\"\\ud800\\ud800\"", "\"\\udc00\"", "\"a\nb\"", "\"a\u{0}\"", "'a'", "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}", "[1]]", "\u{feff}1", "/**/1",
    ])
    func refuses(json: String) {
        #expect(problem { () throws(KubeJSON.Problem) in try parse(json) } != nil)
    }

    @Test func refusesWhatIsNotUTF8() {
        for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22]] {
            #expect(problem { () throws(KubeJSON.Problem) in try JSONValue.parse(bytes) } != nil)
        }
    }

    @Test func limits() throws {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try parse(deep)
        let deeper = problem { () throws(KubeJSON.Problem) in try parse("[" + deep + "]") }
        #expect(deeper?.explanation == "nested deeper than 64 levels, or more than 200000 values")
        // A stack is not what ends it.
        let deepest = String(repeating: "{\"a\":", count: 100_000)
        #expect(problem { () throws(KubeJSON.Problem) in try parse(deepest) } == deeper)
        let many = "[" + Array(repeating: "0", count: 199_999).joined(separator: ",") + "]"
        _ = try parse(many)
        #expect(problem { () throws(KubeJSON.Problem) in try parse("[" + many + "]") } == deeper)
        _ = try parse(String(repeating: "9", count: 64))
        #expect(problem { () throws(KubeJSON.Problem) in try parse(String(repeating: "9", count: 65)) } != nil)
    }

    @Test func problemsTellThePlace() {
        let found = problem { () throws(KubeJSON.Problem) in try parse("{\"a\":1,}") }
        #expect(found?.explanation == "not JSON: a field's name belongs here (byte 8 of 8)")
    }

    /// Whatever the one reader takes, the other takes, and understands as the same; broken texts alike.
    @Test func agreesWithTheDecoder() throws {
        struct Anything: Decodable {
            init(from decoder: any Decoder) throws {}
        }
        var random = SplitMix(seed: 5)
        let seed = Array(
            #"{"metadata":{"name":"node-a","labels":{"a/b":"c\u00e9"},"n":[1,-2,3.5e2,true,null,"\ud83d\ude00"]},"x":{}}"#
                .utf8)
        let alphabet = Array(#"{}[]",:\u0e1-+.truefalsn \"#.utf8)
        var accepted = 0
        for _ in 0..<4_000 {
            var bytes = seed
            for _ in 0..<Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                let byte = alphabet[Int(random.next() % UInt64(alphabet.count))]
                if random.next() % 2 == 0 { bytes[place] = byte } else { bytes.insert(byte, at: place) }
            }
            guard let value = try? JSONValue.parse(bytes) else { continue }
            accepted += 1
            #expect((try? KubeJSON.decode(Anything.self, from: bytes).get()) != nil)
            #expect(try JSONValue.parse(value.encoded()) == value)
        }
        #expect(accepted > 1_000)
    }

    @Test func edits() throws {
        var value = try parse(#"{"metadata":{"name":"a","other":{"kept":[1.0]}},"spec":"text"}"#)
        value["metadata", "labels", "x"] = "y"
        value["metadata", "name"] = nil
        value["spec", "renewTime"] = .null
        value["a", "b", "c"] = nil
        value["metadata", "other", "kept", "x"] = nil
        #expect(
            text(value) == #"{"metadata":{"labels":{"x":"y"},"other":{"kept":[1.0]}},"spec":{"renewTime":null}}"#)
        value["metadata"] = nil
        #expect(text(value) == #"{"spec":{"renewTime":null}}"#)
        var other: JSONValue = [1, "x", true, ["k": -5, "k": 6]]
        #expect(text(other) == #"[1,"x",true,{"k":6}]"#)
        other["k"] = nil
        #expect(other.elements?.count == 4)
        other["k"] = 1
        #expect(other == ["k": 1])
    }

    @Test func pretty() throws {
        let value: JSONValue = ["b": [1, []], "a": ["c": "d"], "e": [:]]
        let lines = "{\n  \"a\": {\n    \"c\": \"d\"\n  },\n  \"b\": [\n    1,\n    []\n  ],\n  \"e\": {}\n}\n"
        #expect(String(decoding: value.encoded(pretty: true), as: UTF8.self) == lines)
        #expect(try JSONValue.parse(value.encoded(pretty: true)) == value)
    }

    @Test func otherTypes() throws {
        struct Thing: Codable, Equatable {
            var name: String
            var count: Int?
        }
        #expect(try JSONValue(encoding: Thing(name: "a", count: 3)) == ["name": "a", "count": 3])
        #expect(try JSONValue(encoding: Thing(name: "a/b")) == ["name": "a/b"])
        let value: JSONValue = ["name": "a", "more": [1]]
        #expect(try value.decoded(Thing.self) == Thing(name: "a"))
        let wrong: JSONValue = ["name": 1]
        let found = problem { () throws(KubeJSON.Problem) in try wrong.decoded(Thing.self) }
        #expect(found?.explanation == "the field name has the wrong type")
    }
}

/// The same numbers each time.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
