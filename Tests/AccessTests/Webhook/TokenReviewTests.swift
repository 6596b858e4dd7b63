// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import Synchronization
import Testing

@testable import Access

/// TokenReview over HTTPS, with the answers that a real API server gave.
@Suite struct TokenReviewTests {
    private static let token = "hunter2hunter2hunter2"

    private func ask(
        _ token: String = token, answer: @escaping KubeTestServer.Answering
    ) async throws -> (Result<TokenVerdict, WebhookFailure>, [TestRequest]) {
        let bed = try await ReviewBed(answer)
        let reviewer = TokenReviewer(bed.client, retry: .hasty)
        let result: Result<TokenVerdict, WebhookFailure>
        do throws(WebhookFailure) {
            result = .success(try await reviewer.review(token: token))
        } catch {
            result = .failure(error)
        }
        await bed.stop()
        if case .failure(let failure) = result { #expect(!failure.message.contains("hunter2")) }
        return (result, bed.server.requests)
    }

    private func failure(_ answer: @escaping KubeTestServer.Answering) async throws -> String {
        let (result, _) = try await ask(answer: answer)
        guard case .failure(let failure) = result else { return "\(result)" }
        return failure.message
    }

    private func failure(status: String) async throws -> String {
        try await failure { _ in .http(201, Self.body(status: status)) }
    }

    private static func body(status: String) -> String {
        #"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":\#(status)}"#
    }

    @Test func good() async throws {
        let recorded = try RecordedAnswer.reply("tokenreview-good")
        let (result, requests) = try await ask { _ in recorded }
        let user = Identity(
            name: "system:serviceaccount:default:mon", uid: "c748ef97-9c07-44f8-a286-3636827b61ab",
            groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
            extra: ["authentication.kubernetes.io/credential-id": ["JTI=d3ca9749-40f4-44c1-a18a-8fb53928b3ee"]],
            method: .webhook)
        #expect(result == .success(TokenVerdict(user: user)))
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.method == "POST")
        #expect(request.target == "/apis/authentication.k8s.io/v1/tokenreviews")
        #expect(
            request.text
                == #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"\#(Self.token)"}}"#)
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["authorization"] == "Bearer nodekeeps-own-token")
    }

    /// The API server's text makes it a failure: it is not remembered, as with the kubelet.
    @Test func bad() async throws {
        let recorded = try RecordedAnswer.reply("tokenreview-bad")
        #expect(try await failure { _ in recorded } == "TokenReview: invalid bearer token")
    }

    @Test(arguments: [#"{"user":{}}"#, #"{"authenticated":false,"error":""}"#, "{}"])
    func plainNo(status: String) async throws {
        let (result, _) = try await ask { _ in .http(201, Self.body(status: status)) }
        #expect(result == .success(TokenVerdict(user: nil)))
    }

    /// Nothing that comes from the network is written without being escaped.
    @Test func tokensAreEscaped() async throws {
        let (_, requests) = try await ask("a\"}\u{1}ü") { _ in .http(201, Self.body(status: "{}")) }
        #expect(requests.first?.text.hasSuffix(#""spec":{"token":"a\"}\u0001ü"}}"#) == true)
    }

    @Test(arguments: ["", String(repeating: "x", count: 8_193)])
    func tokensThatAreNone(token: String) async throws {
        let (result, requests) = try await ask(token) { _ in .http(500, "") }
        #expect(result == .success(TokenVerdict(user: nil)))
        #expect(requests.isEmpty)
    }

    @Test(arguments: [
        (#"{"authenticated":true}"#, "authenticated, but without a user name"),
        (#"{"authenticated":true,"user":{"username":""}}"#, "authenticated, but without a user name"),
        (#"{"authenticated":true,"user":{"username":"a\nb"}}"#, "with control characters"),
        (#"{"authenticated":true,"user":{"username":"a","groups":["\u202e"]}}"#, "with control characters"),
        (#"{"authenticated":true,"user":{"username":"a","extra":{"\u0000":["x"]}}}"#, "with control characters"),
        (#"{"authenticated":true,"user":{"username":"a","groups":"b"}}"#, "status.user.groups has the wrong type"),
        (
            #"{"authenticated":true,"user":{"username":"a","extra":{"hunter2hunter2hunter2":"b"}}}"#,
            "the name of a field holds the token"
        ),
        (#"{"authenticated":"true"}"#, "status.authenticated has the wrong type"), ("null", "the answer has no status"),
        (#"{"authenticated":true,"user":{"username":"a"},"error":"x"}"#, "TokenReview: x"),
        (#"{"error":"token \"hunter2hunter2hunter2\" is bad"}"#, "an error that holds the token"),
    ])
    func lies(status: String, words: String) async throws {
        let text = try await failure(status: status)
        #expect(text.hasPrefix("TokenReview: "))
        #expect(text.contains(words))
    }

    @Test func usersAreBounded() async throws {
        func user(_ fields: String) -> String {
            #"{"authenticated":true,"user":{"username":"a",\#(fields)}}"#
        }
        func list(_ count: Int, _ text: String) -> String {
            "[" + Array(repeating: "\"\(text)\"", count: count).joined(separator: ",") + "]"
        }
        let long = String(repeating: "g", count: 1_024)
        #expect(try await failure(status: user("\"groups\":\(list(2_049, "g"))")).contains("more than 2048 groups"))
        #expect(try await failure(status: user("\"uid\":\"\(long)g\"")).contains("more than 1024 bytes"))
        #expect(try await failure(status: user("\"groups\":\(list(128, long))")).contains("more than 131072 bytes"))
        #expect(try await failure(status: user("\"extra\":{\"k\":\(list(129, "v"))}")).contains("more extra fields"))
        let most = Self.body(status: user("\"groups\":\(list(2_048, "g")),\"extra\":null"))
        let (result, _) = try await ask { _ in .http(201, most) }
        #expect(try result.get().user?.groups.count == 2_048)
    }

    @Test(arguments: [
        ("{}", "the answer is no TokenReview"), ("[]", "the answer is no TokenReview"),
        ("", "the answer is no TokenReview"),
        ("null", "the answer is no TokenReview"), ("{\"kind\":\"Status\"}", "the answer is no TokenReview"),
        (
            #"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","status":{"authenticated":true}}"#,
            "is no"
        ),
        (#"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{}}"#, "is no TokenReview"),
    ])
    func otherObjects(body: String, words: String) async throws {
        #expect(try await failure { _ in .http(201, body) }.contains(words))
    }

    @Test func refused() async throws {
        let unauthorized = try RecordedAnswer.reply("unauthorized-401")
        let own = try await failure { _ in unauthorized }
        #expect(own.contains("nodekeep's own credentials are not accepted"))
        let forbidden = try RecordedAnswer.reply("unauthorized-anonymous")
        #expect(try await failure { _ in forbidden }.contains("ClusterRole system:auth-delegator"))
        let echo = try await failure { .http(422, "Invalid value: \($0.text)", type: "text/plain") }
        #expect(echo.contains("status 422 (the server's words hold the token"))
    }

    @Test func megabytes() async throws {
        let text = try await failure { _ in .http(201, Self.body(status: "{}") + String(repeating: " ", count: 2 << 20))
        }
        #expect(text.contains("larger than 1048576 bytes"))
    }

    @Test func brokenThenGood() async throws {
        let replies = Mutex<[TestReply]>([
            .http(500, #"{"kind":"Status","reason":"InternalError"}"#), .http(429, "slow", type: "text/plain"),
            TestReply([.cut]), .http(503, "", headers: [("Retry-After", "1")]),
            .http(201, Self.body(status: #"{"authenticated":true,"user":{"username":"a"}}"#)),
        ])
        let (result, requests) = try await ask { _ in replies.withLock { $0.removeFirst() } }
        #expect(result == .success(TokenVerdict(user: Identity(name: "a", method: .webhook))))
        #expect(requests.count == 5)
    }

    @Test func brokenForGood() async throws {
        let (result, requests) = try await ask { _ in .http(500, "x", type: "text/plain") }
        #expect(throws: WebhookFailure.self) { try result.get() }
        #expect(requests.count == 5)
    }
}
