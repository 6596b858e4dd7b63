// SPDX-License-Identifier: Apache-2.0
import NodeStatus
import Testing

@testable import KubeAPI

/// Typed views of trees, against what a kubelet and a real API server wrote.
@Suite struct ObjectTests {
    @Test func leaseAsTheKubeletMakesIt() throws {
        let recorded = try RecordedExchange("lease-create")
        var lease = LeaseObject(namespace: "kube-node-lease", name: "node1")
        lease.ownerReferences = [.node(name: "node1", uid: "a50a9aae-5fe5-448b-b300-88555501c9a9")]
        lease.holderIdentity = "node1"
        lease.leaseDurationSeconds = 40
        lease.renewTime = Timestamp(microTime: "2026-11-21T00:49:02.164360Z")
        #expect(lease.object == recorded.sent)
    }

    @Test func leaseAsTheKubeletRenewsIt() throws {
        var lease = LeaseObject(try RecordedExchange("lease-create").answer)
        lease.leaseDurationSeconds = 40
        lease.renewTime = Timestamp(microTime: "2026-11-21T00:49:12.251948Z")
        let recorded = try RecordedExchange("lease-update")
        #expect(lease.object == recorded.sent)
        #expect(lease.name == "node1")
        #expect(lease.namespace == "kube-node-lease")
        #expect(lease.uid == "d0182617-a76a-4e34-aa0d-57bfbd7f6a3d")
        #expect(lease.resourceVersion == "233")
        #expect(lease.holderIdentity == "node1")
        #expect(lease.leaseDurationSeconds == 40)
        #expect(lease.renewTime == Timestamp(microTime: "2026-11-21T00:49:12.251948Z"))
        #expect(lease.ownerReferences == [.node(name: "node1", uid: "a50a9aae-5fe5-448b-b300-88555501c9a9")])
    }

    /// What a newer server or another program has added.
    @Test func leaseKeepsWhatItDoesNotKnow() throws {
        let text = """
            {"kind":"Lease","metadata":{"name":"a","finalizers":["x"],"annotations":{"theirs":"1"},"managedFields":[{"a":{}}],
            "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"u","controller":true},
            {"apiVersion":"v1","kind":"Pod","name":"p","uid":"q"}]},"spec":{"strategy":"OldestEmulationVersion","leaseTransitions":3}}
            """
        var lease = LeaseObject(try JSONValue.parse(Array(text.utf8)))
        let before = lease.object
        #expect(lease.renewTime == nil)
        #expect(lease.resourceVersion == nil)
        lease.renewTime = Timestamp(seconds: 0, nanoseconds: 1_999)
        lease.annotations["ours"] = "2"
        lease.ownerReferences = lease.ownerReferences.filter { $0.kind == "Node" } + [.node(name: "m", uid: "v")]
        lease.resourceVersion = "7"
        #expect(lease.object["spec", "renewTime"]?.text == "1970-01-01T00:00:00.000001Z")
        #expect(lease.object["spec", "strategy"]?.text == "OldestEmulationVersion")
        #expect(lease.object["metadata", "annotations"] == ["theirs": "1", "ours": "2"])
        #expect(
            lease.object["metadata", "ownerReferences"] == [
                ["apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": true],
                ["apiVersion": "v1", "kind": "Node", "name": "m", "uid": "v"],
            ])
        lease.renewTime = nil
        lease.resourceVersion = nil
        lease.annotations["ours"] = nil
        lease.object["metadata", "ownerReferences"] = before["metadata", "ownerReferences"]
        #expect(lease.object == before)
        lease.annotations = [:]
        lease.ownerReferences = []
        #expect(lease.object["metadata"]?.fields?.keys.sorted() == ["finalizers", "managedFields", "name"])
    }

    /// Somebody's lease need not be a good one.
    @Test func leaseOfNonsense() {
        for object: JSONValue in [
            .null, [], ["metadata": 1, "spec": [1]],
            ["metadata": ["ownerReferences": [1, ["uid": 2]], "annotations": "x"], "spec": ["renewTime": 5]],
        ] {
            let lease = LeaseObject(object)
            #expect(lease.name == nil)
            #expect(lease.renewTime == nil)
            #expect(lease.leaseDurationSeconds == nil)
            #expect(lease.ownerReferences.isEmpty)
            #expect(lease.annotations.isEmpty)
        }
    }

    @Test(arguments: [
        ("2026-11-21T00:49:12.251948Z", 1_795_222_152, 251_948_000), ("2026-11-21T00:49:12Z", 1_795_222_152, 0),
        ("2026-11-21T00:49:12.5Z", 1_795_222_152, 500_000_000),
        ("2026-11-21T00:49:12.123456789Z", 1_795_222_152, 123_456_789),
        ("2026-11-21T02:49:12.000001+02:00", 1_795_222_152, 1_000),
        ("2026-11-20T19:19:12-05:30", 1_795_222_152, 0),
    ])
    func microTimes(text: String, seconds: Int64, nanoseconds: Int32) {
        #expect(Timestamp(microTime: text) == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "Z", "2026-11-21", "2026-11-21T00:49:12", "2026-11-21T00:49:12.Z", "2026-11-21T00:49:12.1234567890Z",
        "2026-11-21 00:49:12Z", "2026-11-21T00:49:12+2:00", "2026-11-21T00:49:12+24:00", "2026-11-21T00:49:12+02:60",
        "2026-11-21T00:49:12*02:00", "2026-11-21T00:49:12+0200", "+02:00", "2026-11-21T24:00:00Z",
        "2026-11-21T00:49:12é:00",
    ])
    func noMicroTimes(text: String) {
        #expect(Timestamp(microTime: text) == nil)
    }

    /// The API server takes six digits and nothing else.
    @Test(arguments: [0, 1, 999, 1_000, 251_948_000, 999_999_999])
    func sixDigits(nanoseconds: Int32) throws {
        let text = Timestamp(seconds: 1_795_222_152, nanoseconds: nanoseconds).rfc3339Micro
        #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
        #expect(Timestamp(microTime: text)?.nanoseconds == nanoseconds / 1_000 * 1_000)
    }

    @Test func eventAsTheKubeletMakesIt() throws {
        let time = try #require(Timestamp(rfc3339: "2026-11-21T00:48:51Z"))
        var event = EventObject(
            namespace: "default", name: "node1.18e9e9047c0de1f3",
            regarding: .init(kind: "Node", name: "node1", uid: nil), level: .normal, reason: "Starting",
            message: "Starting kubelet.", component: "kubelet", host: "node1", first: time, last: time)
        let created = try RecordedExchange("event-create-1")
        #expect(event.object == created.sent)
        event.count = 2
        event.last = Timestamp(seconds: time.seconds + 1, nanoseconds: 5)
        event.message = "Node node1 status is now: NodeHasSufficientMemory"
        let patched = try RecordedExchange("event-patch")
        #expect(event.patch == patched.sent)
        event.regarding.uid = "u"
        event.regarding.namespace = "n"
        event.level = .warning
        event.message = "a\nb\u{1b}" + String(repeating: "x", count: 2_000)
        let object = event.object
        #expect(object["involvedObject", "uid"] == "u")
        #expect(object["involvedObject", "namespace"] == "n")
        #expect(object["type"] == "Warning")
        #expect(object["message"]?.text?.hasPrefix("a b\\u{1b}xxx") == true)
        #expect((object["message"]?.text?.count ?? .max) < 1_024)
        #expect(event.patch["message"] == object["message"])
    }

    @Test func eventNames() {
        let time = Timestamp(seconds: 1_795_222_131, nanoseconds: 81_000_435)
        #expect(EventObject.name(of: "node1", at: time) == "node1." + String(1_795_222_131_081_000_435, radix: 16))
        for (object, time) in [
            ("Node_1", time), ("", time), (String(repeating: "a", count: 250), time),
            ("node1", Timestamp(seconds: .max)), ("node1", Timestamp(seconds: .min)), ("node1", Timestamp(seconds: -1)),
        ] {
            let name = EventObject.name(of: object, at: time)
            #expect(LabelSyntax.subdomainProblem(name) == nil)
            #expect(name.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil, "\(name)")
        }
    }

    @Test func signingRequestObject() {
        let new = SigningRequestObject(
            name: "csr", request: Array("PEM".utf8), signerName: "a/b", usages: ["x", "y"], expirationSeconds: 600)
        #expect(
            new.object == [
                "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": ["name": "csr"],
                "spec": ["request": "UEVN", "signerName": "a/b", "usages": ["x", "y"], "expirationSeconds": 600],
            ])
        #expect(new.name == "csr")
        #expect(new.signerName == "a/b")
        #expect(new.request == Array("PEM".utf8))
        #expect(new.verdict == .pending)
    }

    @Test(
        arguments: [
            (#"{}"#, .pending), (#"{"conditions":[]}"#, .pending),
            (#"{"conditions":5,"certificate":"UEVN"}"#, .pending),
            // A certificate without an approval is none.
            (#"{"certificate":"UEVN"}"#, .pending),
            (#"{"conditions":[{"type":"Approved","status":"True"}]}"#, .approved),
            (#"{"conditions":[{"type":"Approved","status":"False"}],"certificate":"UEVN"}"#, .pending),
            (#"{"conditions":[{"type":"Approved","status":"True"}],"certificate":""}"#, .approved),
            (#"{"conditions":[{"type":"Approved","status":"True"}],"certificate":"UEVN"}"#, .issued(Array("PEM".utf8))),
            (#"{"conditions":[{"type":"Approved"}],"certificate":"UEVN"}"#, .issued(Array("PEM".utf8))),
            (
                #"{"conditions":[{"type":"Approved","status":"True"}],"certificate":"*"}"#,
                .broken("status.certificate is not base64")
            ),
            (
                #"{"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"True","reason":"No","message":"not\nhere"}]}"#,
                .denied("No: not here")
            ),
            (
                #"{"conditions":[{"type":"Approved","status":"True"},{"type":"Failed","status":"True"}],"certificate":"UEVN"}"#,
                .failed("no reason is given")
            ),
        ] as [(String, SigningRequestObject.Verdict)])
    func verdicts(status: String, verdict: SigningRequestObject.Verdict) throws {
        let object = try JSONValue.parse(Array(#"{"status":\#(status)}"#.utf8))
        #expect(SigningRequestObject(object).verdict == verdict)
    }
}
