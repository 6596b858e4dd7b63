// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import Testing

@testable import Access

/// SubjectAccessReview over HTTPS, with the answers that a real API server gave.
@Suite struct SubjectAccessReviewTests {
    private func ask(
        _ identity: Identity = alice, verb: String = "create", subresource: String = "checkpoint",
        answer: @escaping KubeTestServer.Answering
    ) async throws -> (Result<AccessVerdict, WebhookFailure>, [TestRequest]) {
        let bed = try await ReviewBed(answer)
        let reviewer = SubjectAccessReviewer(bed.client, nodeName: "node1", retry: .hasty)
        let result: Result<AccessVerdict, WebhookFailure>
        do throws(WebhookFailure) {
            result = .success(try await reviewer.review(identity, verb: verb, subresource: subresource))
        } catch {
            result = .failure(error)
        }
        await bed.stop()
        return (result, bed.server.requests)
    }

    private func ask(status: String) async throws -> Result<AccessVerdict, WebhookFailure> {
        let body = #"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":\#(status)}"#
        return try await ask { _ in .http(201, body) }.0
    }

    @Test func allowed() async throws {
        let recorded = try RecordedAnswer.reply("subjectaccessreview-allowed")
        let (result, requests) = try await ask { _ in recorded }
        let reason = #"RBAC: allowed by ClusterRoleBinding "cp" of ClusterRole "cp" to ServiceAccount "mon/default""#
        #expect(result == .success(.allowed(reason)))
        let request = try #require(requests.first)
        #expect(request.method == "POST")
        #expect(request.target == "/apis/authorization.k8s.io/v1/subjectaccessreviews")
        let expected =
            #"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"extra":{"k":["v","w"]},"#
            + #""groups":["ops","system:authenticated"],"resourceAttributes":{"name":"node1","resource":"nodes","#
            + #""subresource":"checkpoint","verb":"create","version":"v1"},"uid":"u-1","user":"alice"}}"#
        #expect(request.text == expected)
    }

    @Test func denied() async throws {
        let recorded = try RecordedAnswer.reply("subjectaccessreview-denied")
        #expect(try await ask { _ in recorded }.0 == .success(.denied("")))
    }

    /// HEAD and OPTIONS have the empty verb, and what is empty is left out.
    @Test func emptyFields() async throws {
        let recorded = try RecordedAnswer.reply("subjectaccessreview-denied")
        let (_, requests) = try await ask(Identity(name: "x", uid: "", method: .x509), verb: "", subresource: "stats") {
            _ in recorded
        }
        let expected =
            #"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"#
            + #""resourceAttributes":{"name":"node1","resource":"nodes","subresource":"stats","version":"v1"},"user":"x"}}"#
        #expect(requests.first?.text == expected)
    }

    @Test(arguments: [
        (#"{"allowed":true}"#, AccessVerdict.allowed("")), (#"{"allowed":false}"#, .denied("")), ("{}", .denied("")),
        (#"{"allowed":false,"denied":true,"reason":"no"}"#, .denied("no")),
        (#"{"allowed":true,"reason":"a\nb","evaluationError":"x"}"#, .allowed("a b")),
        (#"{"reason":"r","evaluationError":"e"}"#, .denied("r; not all could be evaluated: e")),
        (#"{"evaluationError":"e"}"#, .denied("not all could be evaluated: e")),
    ])
    func verdicts(status: String, verdict: AccessVerdict) async throws {
        #expect(try await ask(status: status) == .success(verdict))
    }

    @Test(arguments: [
        (#"{"allowed":true,"denied":true}"#, "says both allowed and denied"), ("null", "has no status"),
        (#"{"allowed":1}"#, "status.allowed has the wrong type"),
    ])
    func lies(status: String, words: String) async throws {
        guard case .failure(let failure) = try await ask(status: status) else {
            Issue.record("a verdict")
            return
        }
        #expect(failure.message.hasPrefix("SubjectAccessReview: "))
        #expect(failure.message.contains(words))
    }

    @Test func refused() async throws {
        let forbidden = try RecordedAnswer.reply("unauthorized-anonymous")
        guard case .failure(let failure) = try await ask(answer: { _ in forbidden }).0 else {
            Issue.record("a verdict")
            return
        }
        #expect(failure.message.contains("403: nodes \"node1\" is forbidden"))
        #expect(failure.message.hasSuffix("the ClusterRole system:auth-delegator, or a node's rights"))
    }
}
