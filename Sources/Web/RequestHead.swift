// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate

/// What is known of a request whose header has been checked.
struct RequestHead {
    var isHead = false
    /// GET or HEAD without a query: a page in memory may answer it.
    var mayUsePage = false
    var acceptsGzip = false
    var hasIfNoneMatch = false
    /// Bytes of the path in the target; what follows it is `?` and the query.
    var pathSize = 0
    var method = ""
    /// The `Authorization` as sent, on the main listener.
    var authorization: [UInt8]?
}

/// Checks a request's header where libmicrohttpd is lenient: in the handler's first call, when an error still closes
/// the connection, so that nothing behind a malformed request is ever read as another one.
struct RequestCheck {
    static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]
    static let maximumFields = 100

    private var refusal: Refusal?
    private var fields = 0
    private var hosts = 0
    private var contentLengths = 0
    private var contentLength: UInt64 = 0
    private var hasTransferEncoding = false
    private var hasIfNoneMatch = false
    private var acceptEncoding = AcceptEncoding()
    private var hostIsAllowed = true
    /// Bytes of the fields as we would write them.
    private var canonicalSize = 0
    private var authorizations = 0
    private var authorizationIsTooLong = false
    private var authorization: [UInt8]?
    private var userAgents = 0
    private let allowedHosts: [[UInt8]]
    private let keepsAuthorization: Bool

    private init(_ listener: Listener) {
        allowedHosts = listener.allowedHosts
        keepsAuthorization = listener.kind == .main
    }

    /// - Returns: What is known of it, or why it is refused.
    static func run(
        _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, maximumBodySize: UInt32
    ) -> Result<RequestHead, RefusalError> {
        var check = RequestCheck(connection.listener)
        withUnsafeMutablePointer(to: &check) { pointer in
            _ = MHD_get_connection_values_n(
                connection.handle, .HEADER_KIND, takeField, UnsafeMutableRawPointer(pointer))
        }
        return check.conclude(connection, method: method, version: version, maximumBodySize: maximumBodySize)
    }

    private func conclude(
        _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, maximumBodySize: UInt32
    ) -> Result<RequestHead, RefusalError> {
        func refuse(_ refusal: Refusal) -> Result<RequestHead, RefusalError> {
            .failure(RefusalError(refusal: refusal))
        }

        if let refusal { return refuse(refusal) }
        if hasTransferEncoding { return refuse(.transferEncoding) }
        if hosts > 1 || contentLengths > 1 || authorizations > 1 || userAgents > 1 { return refuse(.repeatedField) }
        if authorizationIsTooLong { return refuse(.authorization) }

        let methodName = UnsafeBufferPointer(start: method, count: cStringSize(method))
        let isGet = equal(method, "GET")
        let isHead = !isGet && equal(method, "HEAD")
        let isFirstVersion = equal(version, "HTTP/1.0")
        guard isFirstVersion || equal(version, "HTTP/1.1") else { return refuse(.version) }

        if hosts == 0, !isFirstVersion { return refuse(.missingHost) }

        // A NUL ends the C strings above early, and folded lines vanish in the library: either way the header is
        // longer than what was made of it. So is one with more blanks than one after a colon, which nobody sends.
        let line = methodName.count + 1 + connection.target.count + 1 + cStringSize(version) + 2
        guard nodekeep_mhd_header_size(connection.handle) <= line + canonicalSize + 2 else {
            return refuse(.hiddenBytes)
        }

        var isKnown = isGet || isHead
        if !isKnown {
            isKnown = Self.methods.contains { name in equal(method, name) }
        }
        guard isKnown else { return refuse(.method) }

        guard connection.target.first == UInt8(ascii: "/"), connection.target.allSatisfy(isVisibleByte) else {
            return refuse(.target)
        }
        if contentLength > 0 {
            if isGet || isHead || isFirstVersion { return refuse(.unexpectedBody) }
            if contentLength > UInt64(maximumBodySize) { return refuse(.bodyTooLarge) }
        }
        if !connection.listener.allowedHosts.isEmpty, hosts == 0 || !hostIsAllowed { return refuse(.host) }

        let query = connection.target.firstIndex(of: UInt8(ascii: "?"))
        return .success(
            RequestHead(
                isHead: isHead, mayUsePage: (isGet || isHead) && query == nil, acceptsGzip: acceptEncoding.prefersGzip,
                hasIfNoneMatch: hasIfNoneMatch, pathSize: query ?? connection.target.count,
                method: isGet ? "GET" : isHead ? "HEAD" : String(cString: method), authorization: authorization))
    }

    /// One field, as the library parsed it.
    fileprivate mutating func take(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> Bool {
        fields += 1
        guard fields <= Self.maximumFields else {
            refusal = .tooManyFields
            return false
        }
        canonicalSize += name.count + 2 + value.count + 2
        guard !name.isEmpty, name.allSatisfy(isTokenByte) else {
            refusal = .fieldName
            return false
        }
        guard value.allSatisfy(isFieldByte) else {
            refusal = .fieldValue
            return false
        }
        // By length first: nearly every field is none of these.
        switch name.count {
        case 4 where name.equalsIgnoringCase("host"):
            hosts += 1
            if !allowedHosts.isEmpty {
                hostIsAllowed = isAllowed(host: value, among: allowedHosts)
            }
        case 10 where name.equalsIgnoringCase("user-agent"): userAgents += 1
        case 13 where name.equalsIgnoringCase("authorization"):
            authorizations += 1
            authorizationIsTooLong = value.count > GateRequest.maximumAuthorizationSize
            if keepsAuthorization, !authorizationIsTooLong { authorization = [UInt8](value) }
        case 13 where name.equalsIgnoringCase("if-none-match"): hasIfNoneMatch = true
        case 14 where name.equalsIgnoringCase("content-length"):
            contentLengths += 1
            guard let length = decimal(value) else {
                refusal = .contentLength
                return false
            }
            contentLength = length
        case 15 where name.equalsIgnoringCase("accept-encoding"): acceptEncoding.add(value)
        case 17 where name.equalsIgnoringCase("transfer-encoding"): hasTransferEncoding = true
        default: break
        }
        return true
    }
}

struct RefusalError: Error {
    var refusal: Refusal
}

private func takeField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, key: UnsafePointer<CChar>?, keySize: Int,
    value: UnsafePointer<CChar>?, valueSize: Int
) -> MHD_Result {
    guard let check = context?.assumingMemoryBound(to: RequestCheck.self) else { return .NO }
    return check.pointee.take(name: bytes(key, keySize), value: bytes(value, valueSize)) ? .YES : .NO
}
