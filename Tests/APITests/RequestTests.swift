// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import API

@Suite("Request targets")
struct RequestTargetTests {
    @Test("The path is split before it is decoded")
    func encodedSlash() {
        #expect(RequestTarget(path: "/checkpoint/a%2fb/c", query: nil)?.segments == ["checkpoint", "a/b", "c"])
    }

    @Test(
        "Malformed escapes, control bytes and broken UTF-8 are refused",
        arguments: ["/%", "/%4", "/%zz", "/a%00b", "/%0d%0a", "/%7f", "/%ff", "/%c3", "status", ""])
    func refused(path: String) {
        #expect(RequestTarget(path: path, query: nil) == nil)
    }

    @Test("The query is decoded, repeated names are kept in order")
    func query() {
        let target = RequestTarget(path: "/x", query: "exclude=a&verbose&exclude=b+c%26d&=e&&z=1=2")
        #expect(target?.values(of: "exclude") == ["a", "b c&d"])
        #expect(target?.values(of: "verbose") == [""])
        #expect(target?.values(of: "z") == ["1=2"])
        #expect(RequestTarget(path: "/x", query: "a=%0") == nil)
    }
}

@Suite("Entity tags")
struct EntityTagTests {
    @Test("The same bytes have the same tag, other bytes another")
    func tags() {
        #expect(EntityTag.of([1, 2, 3]) == EntityTag.of([1, 2, 3]))
        #expect(EntityTag.of([1, 2, 3]) != EntityTag.of([1, 2, 4]))
        #expect(EntityTag.of([]) == "\"cbf29ce484222325\"")
    }
}
