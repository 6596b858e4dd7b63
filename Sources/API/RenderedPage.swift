// SPDX-License-Identifier: Apache-2.0
package import Gate

/// A page as it is at this moment, before anybody's wishes about encoding.
package struct RenderedPage: Equatable, Sendable {
    package let path: String
    package let listeners: [ListenerKind]
    package let status: UInt16
    package let headers: [HeaderField]
    package let body: [UInt8]
    package let entityTag: String

    init(
        path: String, listeners: [ListenerKind], status: UInt16 = 200, contentType: String,
        headers: [HeaderField] = [], body: [UInt8]
    ) {
        self.path = path
        self.listeners = listeners
        self.status = status
        self.headers =
            [HeaderField("content-type", contentType), HeaderField("x-content-type-options", "nosniff")] + headers
        self.body = body
        self.entityTag = EntityTag.of(body)
    }

    /// As web holds it.
    func published(gzip: Bool) -> PublishedPage {
        let compressed: GzipBody =
            if body.count < Gzip.threshold {
                .worthless
            } else if gzip {
                Gzip.compress(body).map(GzipBody.body) ?? .worthless
            } else {
                .absent
            }
        return PublishedPage(
            path: path, listeners: listeners, status: status, headers: headers, entityTag: entityTag, body: body,
            gzip: compressed)
    }

    /// As the answer to one request that was passed on: the same as web gives from memory.
    func answer(to request: GateRequest) -> GateResponse {
        var headers = self.headers
        guard status == 200 else {
            return GateResponse(
                id: request.id, status: status, headers: headers + [HeaderField("cache-control", "no-store")],
                body: body)
        }
        headers += [HeaderField("cache-control", "no-cache"), HeaderField("vary", "Accept-Encoding")]
        let tags = [entityTag, EntityTags.gzip(of: entityTag)].map { Array($0.utf8) }
        if let tag = request.header("if-none-match"),
            Array(tag.utf8).withUnsafeBufferPointer({ EntityTags.match($0, tags) })
        {
            return GateResponse(
                id: request.id, status: 304, headers: headers + [HeaderField("etag", entityTag)], body: [])
        }
        if AcceptEncoding(request.header("accept-encoding")).prefersGzip, let compressed = Gzip.compress(body) {
            headers += [
                HeaderField("content-encoding", "gzip"), HeaderField("etag", EntityTags.gzip(of: entityTag)),
            ]
            return GateResponse(id: request.id, status: 200, headers: headers, body: compressed)
        }
        return GateResponse(
            id: request.id, status: 200, headers: headers + [HeaderField("etag", entityTag)], body: body)
    }
}

extension GateRequest {
    /// The value of a request field; web passes each at most once.
    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
