// SPDX-License-Identifier: Apache-2.0

/// Why web answers a request by itself with an error. The word is a counter's label, the text goes to the client.
enum Refusal: CaseIterable {
    case transferEncoding
    case repeatedField
    case authorization
    case certificateChain
    case fieldName
    case fieldValue
    case hiddenBytes
    case tooManyFields
    case target
    case version
    case method
    case contentLength
    case unexpectedBody
    case bodyTooLarge
    case missingHost
    case host
    case busy
    case agentSilent
    case shuttingDown

    var status: UInt16 {
        switch self {
        case .transferEncoding, .repeatedField, .authorization, .certificateChain, .fieldName, .fieldValue,
            .hiddenBytes, .target, .contentLength, .unexpectedBody, .missingHost:
            400
        case .host: 403
        case .bodyTooLarge: 413
        case .tooManyFields: 431
        // 501 rather than 405: which methods a path allows is the agent's knowledge, and these no path does.
        case .method: 501
        case .busy, .agentSilent, .shuttingDown: 503
        case .version: 505
        }
    }

    var reason: String {
        switch self {
        case .transferEncoding, .repeatedField, .fieldName, .fieldValue, .hiddenBytes, .target, .contentLength,
            .unexpectedBody, .missingHost, .version:
            "malformed"
        case .authorization: "authorization"
        case .certificateChain: "certificate"
        case .tooManyFields: "headers"
        case .method: "method"
        case .bodyTooLarge: "body"
        case .host: "host"
        case .busy: "busy"
        case .agentSilent: "timeout"
        case .shuttingDown: "shutdown"
        }
    }

    var text: String {
        switch self {
        case .transferEncoding: "a transfer encoding is not accepted\n"
        case .repeatedField: "a header field that may come once came twice\n"
        case .authorization: "the Authorization field is too long\n"
        case .certificateChain: "certificate chain too long\n"
        case .fieldName: "malformed header field name\n"
        case .fieldValue: "malformed header field value\n"
        case .hiddenBytes: "malformed request header\n"
        case .tooManyFields: "too many header fields\n"
        case .target: "malformed request target\n"
        case .version: "HTTP/1.1 and HTTP/1.0 are served\n"
        case .method: "method not implemented\n"
        case .contentLength: "malformed content length\n"
        case .unexpectedBody: "this request cannot have a body\n"
        case .bodyTooLarge: "the request body is too large\n"
        case .missingHost: "a Host field is required\n"
        case .host: "this host is not served here\n"
        case .busy: "too many requests are waiting\n"
        case .agentSilent: "the agent did not answer\n"
        case .shuttingDown: "shutting down\n"
        }
    }
}
