// SPDX-License-Identifier: Apache-2.0
import Foundation
import NodeStatus
import Testing

@testable import API

@Suite("The heartbeat on the pages")
struct HeartbeatPageTests {
    private let renewed = Timestamp(seconds: 1_795_000_000, nanoseconds: 123_456_000)

    /// Of role node, renewed once and refused once.
    private func heartbeat(_ change: (inout HeartbeatView) -> Void = { _ in }) -> AgentView {
        var heartbeat = HeartbeatView(role: .node, target: "https://10.0.0.1:6443")
        heartbeat.written = LeaseView(
            namespace: "kube-node-lease", name: "node1", holderIdentity: "node1", leaseDurationSeconds: 40,
            renewTime: renewed)
        heartbeat.lease.lastSuccess = renewed
        heartbeat.lease.results = [.ok: 1, .forbidden: 1]
        heartbeat.lease.latency.add(.milliseconds(7))
        heartbeat.lease.latency.add(.seconds(11))
        heartbeat.renewals = 1
        heartbeat.failedRenewals = 1
        change(&heartbeat)
        var view = view()
        view.heartbeat = heartbeat
        return view
    }

    private func text(_ path: String, _ view: AgentView) throws -> String {
        String(decoding: try #require(API().page(path, view)).body, as: UTF8.self)
    }

    private func lease(_ view: AgentView) throws -> [String: Any] {
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(try text("/status", view).utf8)) as? [String: Any])
        return try #require(report["lease"] as? [String: Any])
    }

    @Test("/status tells the lease as it was written")
    func status() throws {
        let lease = try lease(heartbeat())
        #expect(lease["role"] as? String == "node")
        #expect(lease["target"] as? String == "https://10.0.0.1:6443")
        let written = try #require(lease["lease"] as? [String: Any])
        #expect(written["renewTime"] as? String == "2026-11-18T11:06:40.123456Z")
        #expect(written["holderIdentity"] as? String == "node1")
        #expect(Set(lease.keys) == ["role", "target", "lease", "nodeStatus", "events"])
    }

    @Test("What is wrong is said, and role none has no events")
    func problems() throws {
        let view = heartbeat {
            $0.role = .none
            $0.lease.problem = "the disk does not answer"
            $0.refusal = "somebody else's"
            $0.heldBack = "gate"
        }
        let lease = try lease(view)
        #expect(lease["problem"] as? String == "the disk does not answer")
        #expect(lease["refusal"] as? String == "somebody else's")
        #expect(lease["heldBack"] as? String == "gate")
        #expect(lease["events"] == nil)
        let page = try text("/", view)
        #expect(page.contains("the disk does not answer"))
        #expect(page.contains("somebody else&#39;s"))
        #expect(page.contains("the agent&#39;s loop gate is stuck"))
        #expect(try text("/metrics", view).contains("\nnodekeep_heartbeat_stopped 1\n"))
    }

    @Test("The certificate that the agent looks after is shown with its end and with what it waits for")
    func certificate() throws {
        let view = heartbeat {
            var certificate = ClientCertificateView()
            certificate.expires = renewed
            certificate.awaits = "nodekeep-node1-abc"
            certificate.problem = "not approved <yet>"
            certificate.issued = 2
            $0.certificate = certificate
        }
        let shown = try #require(try lease(view)["certificate"] as? [String: Any])
        #expect(shown["expires"] as? String == "2026-11-18T11:06:40Z")
        #expect(shown["awaits"] as? String == "nodekeep-node1-abc")
        #expect(shown["problem"] as? String == "not approved <yet>")
        let page = try text("/", view)
        #expect(page.contains("not approved &lt;yet&gt;"))
        #expect(page.contains("the request nodekeep-node1-abc waits for approval"))
        let metrics = try text("/metrics", view)
        #expect(metrics.contains("\nnodekeep_client_certificate_expiration_timestamp_seconds 1795000000.123456\n"))
        #expect(metrics.contains("\nnodekeep_client_certificate_requests_total{result=\"issued\"} 2\n"))
        #expect(try text("/metrics", heartbeat()).contains("client_certificate") == false)
    }

    @Test("Renewals, failures by cause and a cumulative histogram")
    func metrics() throws {
        let metrics = try text("/metrics", heartbeat())
        for line in [
            #"nodekeep_lease_renewals_total{result="ok"} 1"#, #"nodekeep_lease_renewals_total{result="failed"} 1"#,
            #"nodekeep_heartbeat_requests_total{loop="lease",result="forbidden"} 1"#,
            #"nodekeep_heartbeat_request_seconds_bucket{loop="lease",le="0.005"} 0"#,
            #"nodekeep_heartbeat_request_seconds_bucket{loop="lease",le="0.01"} 1"#,
            #"nodekeep_heartbeat_request_seconds_bucket{loop="lease",le="10"} 1"#,
            #"nodekeep_heartbeat_request_seconds_bucket{loop="lease",le="+Inf"} 2"#,
            #"nodekeep_heartbeat_request_seconds_count{loop="lease"} 2"#, "nodekeep_lease_duration_seconds 40",
            "nodekeep_heartbeat_stopped 0",
        ] {
            #expect(metrics.contains("\n\(line)\n"), "\(line)")
        }
    }
}
