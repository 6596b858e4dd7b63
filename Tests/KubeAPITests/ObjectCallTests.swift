// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import NodeStatus
import Testing

@testable import KubeAPI

/// The requests for whole objects, over TLS, against what a kubelet sent and a real API server answered.
@Suite struct ObjectCallTests {
    private let authority: TestAuthority
    private let certificate: TestCertificate

    init() throws {
        authority = try TestAuthority()
        certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
    }

    private func withServer(
        _ answer: @escaping KubeTestServer.Answering, _ body: (KubeClient, KubeTestServer) async throws -> Void
    ) async throws {
        let server = try await KubeTestServer(certificate, answer)
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate)
        try await body(client, server)
        await client.shutdown()
        await server.stop()
    }

    /// Sends what was recorded, and gets what was recorded.
    private func replay(
        _ name: String, as method: String, _ type: String, timeout: String? = nil,
        _ call: (KubeClient, JSONValue) async throws(KubeError) -> JSONValue
    ) async throws {
        let recorded = try RecordedExchange(name)
        let (code, text) = (recorded.code, recorded.answerText)
        try await withServer({ _ in .http(code, text) }) { client, server in
            let answer = try await call(client, recorded.sent)
            #expect(answer == recorded.answer)
            let seen = try #require(server.requests.first)
            #expect(server.requests.count == 1)
            #expect(seen.method == method)
            #expect(seen.target == recorded.uri)
            #expect(seen.headers["content-type"] == type)
            #expect(try JSONValue.parse(seen.body) == recorded.sent)
        }
    }

    private static let json = "application/json"
    private static let strategic = "application/strategic-merge-patch+json"

    @Test func createsLeases() async throws {
        try await replay("lease-create", as: "POST", Self.json) { client, body throws(KubeError) in
            try await client.createLease(namespace: "kube-node-lease", body, timeout: .seconds(10))
        }
    }

    @Test func updatesLeases() async throws {
        try await replay("lease-update", as: "PUT", Self.json) { client, body throws(KubeError) in
            try await client.updateLease(namespace: "kube-node-lease", name: "node1", body, timeout: .seconds(10))
        }
    }

    @Test func createsNodes() async throws {
        try await replay("node-create", as: "POST", Self.json) { client, body throws(KubeError) in
            try await client.createNode(body)
        }
    }

    @Test func patchesNodeStatus() async throws {
        try await replay("node-status-patch-change", as: "PATCH", Self.strategic) { client, body throws(KubeError) in
            try await client.patchNodeStatus(name: "node1", body, timeout: .seconds(10))
        }
    }

    @Test func createsEvents() async throws {
        try await replay("event-create-1", as: "POST", Self.json) { client, body throws(KubeError) in
            try await client.createEvent(namespace: "default", body)
        }
    }

    @Test func patchesEvents() async throws {
        try await replay("event-patch", as: "PATCH", Self.strategic) { client, body throws(KubeError) in
            try await client.patchEvent(namespace: "default", name: "node1.18e9e9047e96dd6d", body)
        }
    }

    @Test func readsAndPatchesTheRest() async throws {
        let node = try RecordedAnswer.reply("node-condition-patch-200")
        try await withServer({ $0.target.hasPrefix("/api/v1/nodes/node1") ? node : .http(200, Self.answer(to: $0)) }) {
            client, server in
            let found = try await client.getNode("node1")
            #expect(found["metadata", "managedFields"]?.elements?.count == 3)
            #expect(try await client.patchNode(name: "node1", ["metadata": ["labels": ["a": "b"]]]) == found)
            _ = try await client.getLease(namespace: "nodekeep", name: "nodekeep-a", timeout: .milliseconds(1_500))
            _ = try await client.getCertificateSigningRequest("node-csr-A_-b")
            _ = try await client.createCertificateSigningRequest(["metadata": ["name": "node-csr-A_-b"]])
            #expect(
                server.requests.map { $0.method + " " + $0.target } == [
                    "GET /api/v1/nodes/node1", "PATCH /api/v1/nodes/node1",
                    "GET /apis/coordination.k8s.io/v1/namespaces/nodekeep/leases/nodekeep-a?timeout=1.5s",
                    "GET /apis/certificates.k8s.io/v1/certificatesigningrequests/node-csr-A_-b",
                    "POST /apis/certificates.k8s.io/v1/certificatesigningrequests",
                ])
            #expect(server.requests[1].headers["content-type"] == Self.strategic)
            #expect(server.requests[1].text == #"{"metadata":{"labels":{"a":"b"}}}"#)
        }
    }

    private static func answer(to request: TestRequest) -> String {
        request.target.contains("/leases/")
            ? #"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"nodekeep-a"}}"#
            : #"{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{"name":"node-csr-A_-b"}}"#
    }

    /// A lease that is read and renewed keeps what others wrote into it.
    @Test func leaseThereAndBack() async throws {
        let text = """
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"a","resourceVersion":"5",\
            "labels":{"team":"x"},"managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]},\
            "spec":{"holderIdentity":"a","preferredHolder":"b","aNumber":1.50,"renewTime":"2026-11-21T00:49:02.164360Z"}}
            """
        try await withServer({ _ in .http(200, text) }) { client, server in
            var lease = LeaseObject(try await client.getLease(namespace: "n", name: "a"))
            lease.renewTime = Timestamp(seconds: 1_795_222_162, nanoseconds: 7_000)
            _ = try await client.updateLease(namespace: "n", name: "a", lease.object)
            let sent = try #require(server.requests.last).text
            let expected = """
                {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"labels":{"team":"x"},\
                "managedFields":[{"fieldsV1":{"f:spec":{}},"manager":"m"}],"name":"a","resourceVersion":"5"},\
                "spec":{"aNumber":1.50,"holderIdentity":"a","preferredHolder":"b","renewTime":"2026-11-21T00:49:22.000007Z"}}
                """
            #expect(sent == expected)
        }
    }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "ü", "a?b", "a%2e", String(repeating: "a", count: 254)])
    func namesThatAreNone(name: String) async {
        let server = StandIn { _ throws(KubeError) in KubeAnswer(status: 200, body: []) }
        func check(_ call: () async throws(KubeError) -> JSONValue) async {
            do throws(KubeError) {
                _ = try await call()
                Issue.record("sent")
            } catch {
                #expect(error.kind == .invalidRequest)
                #expect(error.description.contains("not sent, no path can hold the names"))
            }
        }
        await check { () async throws(KubeError) in try await server.getNode(name) }
        await check { () async throws(KubeError) in try await server.patchNode(name: name, [:]) }
        await check { () async throws(KubeError) in try await server.patchNodeStatus(name: name, [:]) }
        await check { () async throws(KubeError) in try await server.getLease(namespace: name, name: "a") }
        await check { () async throws(KubeError) in try await server.getLease(namespace: "a", name: name) }
        await check { () async throws(KubeError) in try await server.createLease(namespace: name, [:]) }
        await check { () async throws(KubeError) in try await server.updateLease(namespace: "a", name: name, [:]) }
        await check { () async throws(KubeError) in try await server.createEvent(namespace: name, [:]) }
        await check { () async throws(KubeError) in try await server.patchEvent(namespace: "a", name: name, [:]) }
        await check { () async throws(KubeError) in try await server.getCertificateSigningRequest(name) }
        #expect(server.calls.isEmpty)
    }

    @Test(arguments: [
        ("", "the answer is not JSON: it ends where a value belongs (byte 1 of 0)"),
        ("<html>", "the answer is not JSON: no value begins like this (byte 1 of 6)"),
        ("[]", "the answer is something without a kind, no Lease of coordination.k8s.io/v1"),
        (#"{"kind":"Status","apiVersion":"v1"}"#, "the answer is Status, no Lease of coordination.k8s.io/v1"),
        (
            #"{"kind":"Lease","apiVersion":"coordination.k8s.io/v2"}"#,
            "the answer is Lease, no Lease of coordination.k8s.io/v1"
        ),
        (
            #"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"b\u001b"}}"#,
            #"the answer is the Lease "b\u{1b}""#
        ),
        (#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1"}"#, #"the answer is the Lease """#),
    ])
    func answersThatAreNone(body: String, words: String) async throws {
        let server = StandIn { _ throws(KubeError) in KubeAnswer(status: 200, body: Array(body.utf8)) }
        for isCreation in [false, true] {
            do throws(KubeError) {
                if isCreation {
                    _ = try await server.createLease(namespace: "n", ["metadata": ["name": "a"]])
                } else {
                    _ = try await server.getLease(namespace: "n", name: "a")
                }
                Issue.record("taken")
            } catch {
                #expect(error.kind == .malformedAnswer)
                #expect(error.isOutcomeUnknown)
                let place = "/apis/coordination.k8s.io/v1/namespaces/n/leases"
                #expect(
                    error.description == (isCreation ? "POST \(place): " : "GET \(place)/a: ") + words)
            }
        }
    }

    /// A Node may be larger than what else there is.
    @Test func largeNodes() async throws {
        let filler = String(repeating: "x", count: 3 << 20)
        let text = #"{"kind":"Node","apiVersion":"v1","metadata":{"name":"a","annotations":{"x":"\#(filler)"}}}"#
        try await withServer({ _ in .http(200, text) }) { client, _ in
            let node = try await client.getNode("a")
            #expect(node["metadata", "annotations", "x"]?.text?.utf8.count == 3 << 20)
        }
    }
}
