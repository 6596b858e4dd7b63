// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Gate

@Suite("Entity tags in requests")
struct EntityTagsTests {
    @Test(
        "If-None-Match names a tag, its gzip form, a list or anything",
        arguments: [
            ("\"a\"", true), ("W/\"a\"", true), ("\"a-gzip\"", true), ("\"b\", \"a\"", true), ("*", true),
            ("\"b\"", false), ("a", false), ("", false), ("\"A\"", false), (",,,", false),
        ])
    func matching(value: String, expected: Bool) {
        let tags = [Array("\"a\"".utf8), Array("\"a-gzip\"".utf8)]
        let isMatch = Array(value.utf8).withUnsafeBufferPointer { EntityTags.match($0, tags) }
        #expect(isMatch == expected)
    }
}

@Suite("Accept-Encoding")
struct AcceptEncodingTests {
    @Test(
        "gzip is used when it is acceptable",
        arguments: [
            (nil, false), ("", false), ("gzip", true), ("deflate, gzip;q=0.5", true), ("gzip;q=0", false),
            ("gzip;q=0.000", false), ("*", true), ("*;q=0", false), ("identity", false), ("*, gzip;q=0", false),
            ("GZIP", true), (";;,;q=,gzip;q=", false), ("gzip;q=0, *", false),
        ])
    func accepts(value: String?, expected: Bool) {
        #expect(AcceptEncoding(value).prefersGzip == expected)
    }
}
