// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Testing

@testable import KubeAPI

/// What a caller is told to do about a failure.
@Suite struct ReactionTests {
    private func failures(
        _ reply: TestReply, _ methods: [KubeRequest.Method]
    ) async throws -> [KubeRequest.Method: KubeError] {
        let authority = try TestAuthority()
        let certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
        let server = try await KubeTestServer(certificate) { _ in reply }
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate)
        var found: [KubeRequest.Method: KubeError] = [:]
        for method in methods {
            let request = KubeRequest(method, "/apis/x", body: method == .get ? nil : [0x7b, 0x7d])
            found[method] = await failure { () async throws(KubeError) in try await client.send(request) }
        }
        await client.shutdown()
        await server.stop()
        return found
    }

    /// An object of kind Status as apimachinery/pkg/api/errors makes it.
    private static func status(_ code: Int, _ reason: String, details: String = "{}") -> String {
        """
        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","reason":"\(reason)",\
        "details":\(details),"code":\(code)}
        """
    }

    /// A bare number says what client-go makes of it.
    @Test func bareConflicts() async throws {
        let found = try await failures(.http(409, "nope", type: "text/plain"), [.post, .put, .patch])
        let post = try #require(found[.post])
        #expect(post.isAlreadyExists && !post.isConflict && post.reason == "AlreadyExists" && post.method == .post)
        for method in [KubeRequest.Method.put, .patch] {
            let error = try #require(found[method])
            #expect(!error.isAlreadyExists && error.isConflict && error.reason == "Conflict")
        }
    }

    /// What the object says counts more than the number.
    @Test func namedConflicts() async throws {
        let conflict = try await failures(.http(409, Self.status(409, "Conflict")), [.post, .put])
        #expect(conflict.values.allSatisfy { $0.isConflict && !$0.isAlreadyExists })
        let exists = try await failures(.http(409, Self.status(409, "AlreadyExists")), [.post, .put])
        #expect(exists.values.allSatisfy { !$0.isConflict && $0.isAlreadyExists })
        let recorded = try await failures(try RecordedAnswer.reply("lease-conflict-409"), [.put])
        #expect(recorded[.put]?.isConflict == true)
    }

    @Test(arguments: [
        (400, "BadRequest"), (401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"), (405, "MethodNotAllowed"),
        (406, "NotAcceptable"), (410, "Gone"), (413, "RequestEntityTooLarge"), (415, "UnsupportedMediaType"),
        (422, "Invalid"), (429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"),
        (504, "Timeout"),
        (418, "Unknown"),
    ])
    func numbers(code: Int, reason: String) async throws {
        let bare = try #require(try await failures(.http(code, "", type: nil), [.put])[.put])
        #expect(bare.reason == reason)
        #expect(bare.httpStatus == code)
        #expect(bare.isUnauthorized == (code == 401))
        #expect(bare.isForbidden == (code == 403))
        #expect(bare.isNotFound == (code == 404))
        #expect(bare.isInvalid == (code == 422))
        #expect(bare.isThrottled == (code == 429))
        #expect(!bare.isConflict && !bare.isAlreadyExists)
        #expect(bare.isOutcomeUnknown == [500, 502, 504].contains(code))
        let text = Self.status(code, "Expired")
        let named = try #require(try await failures(.http(code, text), [.put])[.put])
        #expect(named.reason == "Expired")
        #expect(named.description.hasSuffix("/apis/x: \(code): m"))
    }

    @Test func throttled() async throws {
        let text = "Too many requests, please try again later.\n"
        let reply = TestReply.http(429, text, type: "text/plain; charset=utf-8", headers: [("Retry-After", "9")])
        let error = try #require(try await failures(reply, [.put])[.put])
        #expect(error.isThrottled && !error.isOutcomeUnknown)
        #expect(error.retryAfter == .seconds(9))
    }

    @Test func serverTimeout() async throws {
        let text = Self.status(500, "ServerTimeout", details: #"{"retryAfterSeconds":2}"#)
        let error = try #require(try await failures(.http(500, text), [.post])[.post])
        #expect(error.reason == "ServerTimeout")
        #expect(error.retryAfter == .seconds(2))
        #expect(error.isOutcomeUnknown)
    }

    @Test func causes() async throws {
        let causes = (0..<20).map { #"{"reason":"FieldValueInvalid","message":"bad \#($0)","field":"spec.x[\#($0)]"}"# }
        let details = #"{"causes":[\#(causes.joined(separator: ","))]}"#
        let error = try #require(
            try await failures(.http(422, Self.status(422, "Invalid", details: details)), [.put])[.put])
        #expect(error.isInvalid)
        #expect(error.status?.causes.count == 8)
        #expect(
            error.status?.causes.last
                == KubeStatus.Cause(reason: "FieldValueInvalid", message: "bad 7", field: "spec.x[7]"))
    }

    /// What is no Status, or one of another shape, is as good as plain text.
    @Test func statusesThatAreNone() async throws {
        for text in [#"{"kind":"Status","reason":5}"#, #"{"kind":"Lease"}"#, "[]", "{", "null"] {
            let error = try #require(try await failures(.http(409, text), [.post])[.post])
            #expect(error.status == nil && error.isAlreadyExists)
        }
    }

    @Test func transport() {
        let unknown: [KubeError.Kind] = [
            .timeout, .connectionLost, .answerTooLarge, .malformedAnswer, .cancelled, .other,
        ]
        for kind in KubeError.Kind.allCases where kind != .status {
            let error = KubeError(kind, "x")
            #expect(error.isOutcomeUnknown == unknown.contains(kind), "\(kind)")
            #expect(error.reason == nil && !error.isNotFound && !error.isConflict && !error.isAlreadyExists)
        }
    }
}
