// SPDX-License-Identifier: Apache-2.0

/// One request to an API server.
package struct KubeRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
    }

    package enum ContentType: String, Sendable {
        case json = "application/json"
        case strategicMergePatch = "application/strategic-merge-patch+json"
        case mergePatch = "application/merge-patch+json"
        case jsonPatch = "application/json-patch+json"
    }

    package enum Accept: Sendable {
        /// An answer with another content type is an error.
        case json
        /// For `/healthz` and its like.
        case anything
    }

    package var method: Method
    /// `/api/v1/nodes/node-a`. What comes from elsewhere must have been checked to be a Kubernetes name.
    package var path: String
    /// Encoded by the client.
    package var query: [(name: String, value: String)] = []
    package var contentType = ContentType.json
    package var accept = Accept.json
    package var body: [UInt8]?
    /// From the call to the last byte of the answer, tries with other addresses and credentials included; nil: the
    /// client's own.
    package var timeout: Duration?
    /// Bytes of the answer's body; nil: the client's own.
    package var answerLimit: Int?

    package init(_ method: Method, _ path: String, body: [UInt8]? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }

    /// RFC 3986's path characters without escapes: Kubernetes names need no others.
    static func isOfPath(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// Path and query as they go into the request line; nil: the path is none, or would be another one to a server
    /// that resolves dots.
    var target: String? {
        guard path.hasPrefix("/"), path.utf8.count <= 2_048, path.utf8.allSatisfy(Self.isOfPath) else { return nil }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard !segments.contains(where: { $0 == "." || $0 == ".." }), !segments.dropLast().contains("") else {
            return nil
        }
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { Self.encoded($0.name) + "=" + Self.encoded($0.value) }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            if byte != UInt8(ascii: "/"), byte != UInt8(ascii: ":"), isOfPath(byte) {
                return String(UnicodeScalar(byte))
            }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

/// An answer with a status from 200 to 299.
package struct KubeAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Who talks to an API server: `KubeClient`, or a test's stand-in.
package protocol KubeCalling: Sendable {
    /// - Throws: What went wrong on the way, or an answer with another status than 2xx.
    func send(_ request: KubeRequest) async throws(KubeError) -> KubeAnswer
}

extension KubeCalling {
    package func get(_ path: String) async throws(KubeError) -> KubeAnswer {
        try await send(KubeRequest(.get, path))
    }

    package func post(_ path: String, _ body: [UInt8]) async throws(KubeError) -> KubeAnswer {
        try await send(KubeRequest(.post, path, body: body))
    }

    package func put(_ path: String, _ body: [UInt8]) async throws(KubeError) -> KubeAnswer {
        try await send(KubeRequest(.put, path, body: body))
    }

    package func patch(
        _ path: String, _ contentType: KubeRequest.ContentType, _ body: [UInt8]
    ) async throws(KubeError) -> KubeAnswer {
        var request = KubeRequest(.patch, path, body: body)
        request.contentType = contentType
        return try await send(request)
    }
}
