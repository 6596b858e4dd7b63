// SPDX-License-Identifier: Apache-2.0
import Access
import Gate
import Testing

@testable import API

@Suite("What a request asks for")
struct AccessRouteTests {
    @Test(
        "In the kubelet's terms",
        arguments: [
            ("GET", "/", "get", ["stats"]), ("HEAD", "/status", "get", ["stats"]), ("GET", "/node", "get", ["stats"]),
            ("GET", "/healthz", "get", ["healthz", "proxy"]), ("GET", "/livez", "get", ["healthz", "proxy"]),
            ("GET", "/metrics", "get", ["metrics"]), ("GET", "/metrics/resource", "get", ["metrics"]),
            ("GET", "/configz", "get", ["configz", "proxy"]), ("GET", "/checkpoints", "list", ["checkpoint"]),
            ("GET", "/checkpoints/jobs", "get", ["checkpoint"]), ("DELETE", "/checkpoints/x", "delete", ["checkpoint"]),
            ("POST", "/checkpoint/a/b/c", "create", ["checkpoint"]), ("PUT", "/x", "update", ["proxy"]),
            ("PATCH", "/exec", "patch", ["proxy"]), ("OPTIONS", "/metrics", "", ["metrics"]),
            ("GET", "/%ff", "get", ["stats"]), ("GET", "/metricsx", "get", ["proxy"]),
            ("GET", "/%6detrics", "get", ["metrics"]), ("GET", "//checkpoint/a/b/c", "get", ["stats"]),
            ("GET", "/metrics%2fresource", "get", ["proxy"]),
        ] as [(String, String, String, [String])])
    func attributes(method: String, path: String, verb: String, subresources: [String]) {
        let made = AccessRoute.attributes(request(path, method: method, listener: .main))
        #expect(made.verb == verb)
        #expect(made.subresources == subresources)
    }

    @Test(
        "A policy and an API server are asked about the same",
        arguments: [
            ("/checkpoints", "checkpoints"), ("/checkpoints/x", "checkpoints"), ("/checkpoints/%cc%81x", "checkpoints"),
            ("//checkpoints", "stats"), ("//checkpoints/x", "stats"), ("/checkpoint/a/b/c", "checkpoint"),
            ("/x/checkpoints", "proxy"),
        ])
    func endpoint(path: String, endpoint: String) {
        #expect(AccessRoute.attributes(request(path, method: "DELETE", listener: .main)).endpoint == endpoint)
    }

    @Test("A checkpoint's container is named, decoded as the route decodes it, and only where all of it is there")
    func target() {
        func target(_ path: String) -> CheckpointTarget? {
            AccessRoute.attributes(request(path, method: "POST", listener: .main)).checkpoint
        }
        #expect(target("/checkpoint/a/b/c") == CheckpointTarget(namespace: "a", pod: "b", container: "c"))
        #expect(target("/checkpoint/%61/b/c")?.namespace == "a")
        #expect(target("/checkpoint/a%2f/b/c")?.namespace == "a/")
        #expect(target("/checkpoint/a/b") == nil)
        #expect(target("/checkpoint/a/b/c/d") == nil)
        #expect(target("/status/a/b/c") == nil)
    }

    @Test("Refusals of a checkpoint are in the kubelet's words")
    func checkpointRefusals() throws {
        let asked = request("/checkpoint/a/b/c", method: "POST", listener: .main)
        let attributes = AccessRoute.attributes(asked)
        let identity = Identity(name: "alice", method: .x509)
        let texts: [(AccessRefusal, UInt16, String)] = [
            (.unauthenticated(reason: "secret reason"), 401, "Unauthorized"),
            (
                .forbidden(identity, reason: "secret reason"), 403,
                "Forbidden (user=alice, verb=create, resource=nodes, subresource(s)=[checkpoint])\n"
            ),
            (
                .undecided(identity, reason: "secret reason"), 500,
                "Authorization error (user=alice, verb=create, resource=nodes, subresource=checkpoint)"
            ),
        ]
        for (refusal, status, text) in texts {
            let response = refusal.response(to: asked, attributes)
            #expect(response.status == status)
            #expect(String(decoding: response.body, as: UTF8.self) == text)
            #expect(response.headers.contains(HeaderField("content-type", "text/plain; charset=utf-8")))
        }
    }

    @Test("Elsewhere they are a Status")
    func otherRefusals() throws {
        let asked = request("/healthz", listener: .main)
        let response = AccessRefusal.forbidden(Identity(name: "a\"b", method: .x509), reason: "r").response(
            to: asked, AccessRoute.attributes(asked))
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(text.contains(#""reason":"Forbidden""#) && text.contains(#""code":403"#))
        #expect(text.contains("subresource(s)=[healthz proxy]"))
        let nobody = AccessRefusal.unauthenticated(reason: "r").response(to: asked, AccessRoute.attributes(asked))
        #expect(nobody.headers.contains(HeaderField("www-authenticate", "Bearer realm=\"nodekeep\"")))
        #expect(AccessRefusal.busy.response(to: asked, AccessRoute.attributes(asked)).status == 503)
    }
}
