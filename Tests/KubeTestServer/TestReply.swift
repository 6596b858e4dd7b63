// SPDX-License-Identifier: Apache-2.0

/// What came in.
package struct TestRequest: Sendable {
    package var method: String
    /// Path and query.
    package var target: String
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    /// The common name of the client's certificate; nil: it came without one.
    package var client: String?

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// What goes out, byte by byte as the test wants it.
package struct TestReply: Sendable {
    package enum Step: Sendable {
        case bytes([UInt8])
        case pause(milliseconds: Int64)
        /// As it should be, with TLS's own goodbye.
        case close
        /// The TCP connection is just gone.
        case cut
    }

    package var steps: [Step]

    package init(_ steps: [Step]) {
        self.steps = steps
    }

    package static let silence = TestReply([])

    package static func http(
        _ status: Int, _ body: String, type: String? = "application/json", headers: [(String, String)] = []
    ) -> TestReply {
        TestReply([.bytes(Array((head(status, length: body.utf8.count, type: type, headers: headers) + body).utf8))])
    }

    package static func head(
        _ status: Int, length: Int?, type: String? = "application/json", headers: [(String, String)] = []
    ) -> String {
        var head = "HTTP/1.1 \(status) \r\n"
        if let type { head += "content-type: \(type)\r\n" }
        if let length { head += "content-length: \(length)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return head + "\r\n"
    }
}

extension TestReply: CustomStringConvertible {
    /// Short: test reports show it.
    package var description: String {
        steps.prefix(4).map { step in
            if case .bytes(let bytes) = step { "\(bytes.count) bytes" } else { "\(step)" }
        }.joined(separator: ", ")
    }
}
