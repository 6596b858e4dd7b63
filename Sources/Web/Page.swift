// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate

/// A published page, ready to be sent: its responses are made once and shared by every answer.
final class Page {
    enum Compressed {
        case absent
        case worthless
        case response(Response)
    }

    let status: UInt16
    let identity: Response
    let compressed: Compressed
    /// Both variants' tags; empty when the page has none to compare.
    let tags: [[UInt8]]
    var freshUntil: Milliseconds
    var isUsed = false
    var isUsedCompressed = false
    private let listeners: [ListenerKind]

    init?(_ page: PublishedPage, freshUntil: Milliseconds) {
        // Only what is there has a version that a client can already have: an error page is sent every time.
        let hasTag = page.status == 200 && !page.entityTag.isEmpty
        let compressedTag = EntityTags.gzip(of: page.entityTag)
        guard (200...599).contains(page.status),
            let identity = Self.response(page, page.body, tag: hasTag ? page.entityTag : nil, encoding: nil)
        else { return nil }
        switch page.gzip {
        case .absent: compressed = .absent
        case .worthless: compressed = .worthless
        case .body(let body):
            guard let response = Self.response(page, body, tag: hasTag ? compressedTag : nil, encoding: "gzip") else {
                return nil
            }
            compressed = .response(response)
        }
        self.status = page.status
        self.identity = identity
        self.tags = hasTag ? [[UInt8](page.entityTag.utf8), [UInt8](compressedTag.utf8)] : []
        self.freshUntil = freshUntil
        self.listeners = page.listeners
    }

    func isFor(_ kind: ListenerKind) -> Bool {
        listeners.contains(kind)
    }

    private static func response(_ page: PublishedPage, _ body: [UInt8], tag: String?, encoding: String?) -> Response? {
        guard let response = Response(body: body) else { return nil }
        let ours = ["etag", "vary", "content-encoding"]
        for header in page.headers where !ours.contains(header.name.lowercased()) {
            response.add(header.name, header.value)
        }
        if !page.headers.contains(where: { $0.name.lowercased() == "cache-control" }) {
            response.add("Cache-Control", "no-cache")
        }
        response.add("Vary", "Accept-Encoding")
        if let tag {
            response.add("ETag", tag)
        }
        if let encoding {
            response.add("Content-Encoding", encoding)
        }
        return response
    }
}

/// A response of libmicrohttpd. Whoever queues it has the library count a reference; ours ends with this object.
final class Response {
    let handle: OpaquePointer

    /// Copies the body.
    init?(body: [UInt8]) {
        let handle = body.withUnsafeBytes { buffer in
            // The library only reads from it: it makes its copy before it returns.
            MHD_create_response_from_buffer(
                buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
        }
        guard let handle else { return nil }
        self.handle = handle
    }

    deinit {
        MHD_destroy_response(handle)
    }

    /// Adds a field, unless it is one that only the library may set or that it refuses as malformed.
    func add(_ name: String, _ value: String) {
        let own = ["content-length", "transfer-encoding", "connection", "date"]
        guard !own.contains(name.lowercased()) else { return }
        _ = MHD_add_response_header(handle, name, value)
    }
}
