// SPDX-License-Identifier: Apache-2.0
import Foundation
import Gate
import NodeStatus
import Testing

@testable import API

@Suite("The container runtime on the pages")
struct RuntimePageTests {
    private func page(_ path: String, _ change: (inout RuntimeReport) -> Void = { _ in }) throws -> RenderedPage {
        var snapshot = healthySnapshot()
        var report = healthyRuntime()
        change(&report)
        snapshot.runtime = report
        return try #require(API().page(path, view(snapshot)))
    }

    private func status(_ change: (inout RuntimeReport) -> Void = { _ in }) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(page("/status", change).body)) as? [String: Any]
        return try #require(object?["runtime"] as? [String: Any])
    }

    private func fail(_ report: inout RuntimeReport) {
        report.contact = .fails("no connection: Connection refused")
        report.version = .missing("no connection: Connection refused")
        report.conditions = .missing("no connection: Connection refused")
        report.usage = .missing("no connection: Connection refused")
        report.checkpoint = .unknown("nobody knows")
    }

    @Test("/status.runtime of one that answers")
    func answering() throws {
        let runtime = try status()
        let expected = """
            {"endpoint":"unix:///run/containerd/containerd.sock","answers":true,"since":"2026-11-18T11:06:40Z",
            "name":"containerd","version":"v2.1.9","apiVersion":"v1","conditions":[
            {"type":"RuntimeReady","status":true,"reason":"","message":""},
            {"type":"NetworkReady","status":false,"reason":"NetworkPluginNotReady","message":"no <cni>"}],
            "cgroupDriver":"systemd","imageCount":1,"imageFileSystem":{"mountPoint":"/"},
            "checkpoint":{"supported":true}}
            """
        let object = try #require(JSONSerialization.jsonObject(with: Data(expected.utf8)) as? NSDictionary)
        #expect(runtime as NSDictionary == object)
    }

    @Test("/status.runtime of one that does not")
    func failing() throws {
        let runtime = try status(fail)
        #expect(runtime["answers"] as? Bool == false)
        #expect(runtime["problem"] as? String == "no connection: Connection refused")
        #expect(runtime["name"] as? String == "containerd")
        #expect(runtime["version"] == nil)
        #expect((runtime["conditions"] as? [String: String]) == ["error": "no connection: Connection refused"])
        let checkpoint = try #require(runtime["checkpoint"] as? [String: Any])
        #expect(checkpoint["supported"] is NSNull)
        #expect(checkpoint["reason"] as? String == "nobody knows")
    }

    @Test("Checkpoints that are not supported, and why")
    func unsupported() throws {
        let words = "method CheckpointContainer not implemented"
        let checkpoint = try status { $0.checkpoint = .unsupported(words) }["checkpoint"] as? [String: Any]
        #expect(checkpoint?["supported"] as? Bool == false)
        #expect(checkpoint?["reason"] as? String == words)
        #expect(try page("/") { $0.checkpoint = .unsupported(words) }.text.contains(words))
    }

    @Test("Images that are in another mount namespace: what is measured instead, and why")
    func elsewhere() throws {
        var snapshot = healthySnapshot()
        snapshot.runtime?.imageFileSystems = .value(["/inner"], at: noon)
        func said() throws -> [String: String]? {
            let page = try #require(API().page("/status", view(snapshot)))
            let object = try JSONSerialization.jsonObject(with: Data(page.body)) as? [String: Any]
            return (object?["runtime"] as? [String: Any])?["imageFileSystem"] as? [String: String]
        }
        // Nobody has looked yet: no reason to complain.
        #expect(try said() == ["mountPoint": "/inner"])
        snapshot.missingImageDirectory = "/inner"
        #expect(
            try said() == [
                "mountPoint": "/inner", "problem": "it is not in this mount namespace; / is measured instead",
            ])
    }

    @Test("Without a runtime there is none, and that is no error")
    func none() throws {
        var snapshot = healthySnapshot()
        snapshot.runtime = nil
        let api = API()
        let report = try #require(api.page("/status", view(snapshot)))
        let object = try JSONSerialization.jsonObject(with: Data(report.body)) as? [String: Any]
        #expect((object?["runtime"] as? [String: Any])?["problem"] as? String == "no container runtime is configured")
        #expect(try #require(api.page("/", view(snapshot))).text.contains("no container runtime is configured"))
        let metrics = try #require(api.page("/metrics", view(snapshot))).text
        #expect(!metrics.contains("nodekeep_runtime_"))
        let resource = try #require(api.page("/metrics/resource", view(snapshot))).text
        #expect(resource.contains("\nresource_scrape_error 0\n") && !resource.contains("container_"))
    }

    @Test("The page for people says what there is to say, and repeats nobody's markup")
    func people() throws {
        let good = try page("/").text
        for word in ["containerd v2.1.9", "answers", "NetworkPluginNotReady: no &lt;cni&gt;", "supported"] {
            #expect(good.contains(word), "\(word)")
        }
        let bad = try page("/", fail).text
        #expect(bad.contains("does not answer") && bad.contains("Connection refused"))
    }

    @Test(
        "/metrics",
        arguments: [
            "nodekeep_runtime_up{endpoint=\"unix:///run/containerd/containerd.sock\"} 1",
            "nodekeep_runtime_info{name=\"containerd\",version=\"v2.1.9\",api_version=\"v1\"} 1",
            "nodekeep_runtime_ready{condition=\"RuntimeReady\"} 1",
            "nodekeep_runtime_ready{condition=\"NetworkReady\"} 0", "nodekeep_runtime_checkpoint_supported 1",
            "nodekeep_runtime_images 1", "nodekeep_runtime_operations_total{operation=\"list_images\"} 3",
            "nodekeep_runtime_operation_errors_total{operation=\"list_images\"} 1",
            "nodekeep_runtime_operation_seconds_total{operation=\"list_images\"} 0.25",
        ])
    func metrics(line: String) throws {
        #expect(try page("/metrics").text.split(separator: "\n").contains(Substring(line)))
    }

    @Test("/metrics of a runtime that is away, and one that says a condition twice")
    func metricsOfTheBad() throws {
        let bad = try page("/metrics", fail).text
        #expect(bad.contains("nodekeep_runtime_up{endpoint=\"unix:///run/containerd/containerd.sock\"} 0\n"))
        #expect(!bad.contains("nodekeep_runtime_ready{") && !bad.contains("nodekeep_runtime_checkpoint_supported"))
        let twice = try page("/metrics") { report in
            let condition = RuntimeReport.Condition(type: "X", isTrue: true, reason: "", message: "")
            report.conditions = .value([condition, condition], at: noon)
        }.text
        #expect(twice.split(separator: "\n").filter { $0.hasPrefix("nodekeep_runtime_ready{") }.count == 1)
    }

    /// What a kubelet 1.36.2 answered for such a container, less its way of writing numbers.
    private static let recorded = """
        # HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
        # TYPE container_cpu_usage_seconds_total counter
        container_cpu_usage_seconds_total{container="count",namespace="default",pod="counter-node1"} 0.142007418 1795222265547
        # HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
        # TYPE container_memory_working_set_bytes gauge
        container_memory_working_set_bytes{container="count",namespace="default",pod="counter-node1"} 749568 1795222265547
        # HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
        # TYPE container_start_time_seconds gauge
        container_start_time_seconds{container="count",namespace="default",pod="counter-node1"} 1795222237.9640481
        # HELP container_swap_limit_bytes [ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems
        # TYPE container_swap_limit_bytes gauge
        container_swap_limit_bytes{container="count",namespace="default",pod="counter-node1"} 0 1795222265548
        # HELP container_swap_usage_bytes [ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems
        # TYPE container_swap_usage_bytes gauge
        container_swap_usage_bytes{container="count",namespace="default",pod="counter-node1"} 0 1795222265548
        # HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
        # TYPE node_cpu_usage_seconds_total counter
        node_cpu_usage_seconds_total 1.5 1795000000000
        # HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
        # TYPE node_memory_working_set_bytes gauge
        node_memory_working_set_bytes 2147483648 1795000000000
        # HELP node_swap_usage_bytes [ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems
        # TYPE node_swap_usage_bytes gauge
        node_swap_usage_bytes 536870912 1795000000000
        # HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
        # TYPE pod_cpu_usage_seconds_total counter
        pod_cpu_usage_seconds_total{namespace="default",pod="counter-node1"} 0.142007418 1795222265547
        # HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
        # TYPE pod_memory_working_set_bytes gauge
        pod_memory_working_set_bytes{namespace="default",pod="counter-node1"} 749568 1795222265547
        # HELP pod_swap_usage_bytes [ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems
        # TYPE pod_swap_usage_bytes gauge
        pod_swap_usage_bytes{namespace="default",pod="counter-node1"} 0 1795222265548
        # HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
        # TYPE resource_scrape_error gauge
        resource_scrape_error 0

        """

    @Test("/metrics/resource is a kubelet's")
    func resource() throws {
        #expect(try page("/metrics/resource").text == Self.recorded)
    }

    @Test("Containers that nobody could or did read are an error, and the node's own series are there all the same")
    func missingUsage() throws {
        let readings: [Reading<RuntimeUsage>] = [
            .notYetRead, .missing("gone"), .value(RuntimeUsage(), at: Timestamp(seconds: noon.seconds - 121)),
        ]
        for reading in readings {
            let text = try page("/metrics/resource") { $0.usage = reading }.text
            #expect(text.contains("\nresource_scrape_error 1\n") && text.contains("node_cpu_usage_seconds_total 1.5"))
            #expect(!text.contains("container_cpu") && !text.contains("pod_"))
        }
        let old = try page("/metrics/resource") {
            $0.usage = .value(RuntimeUsage(), at: Timestamp(seconds: noon.seconds - 120))
        }
        #expect(old.text.contains("\nresource_scrape_error 0\n"))
    }

    @Test("A runtime that knows no time gives samples without one")
    func untimed() throws {
        let text = try page("/metrics/resource") { report in
            report.usage = .value(
                RuntimeUsage(
                    containers: [
                        .init(
                            name: "c", pod: "p", namespace: "n", createdAt: .min,
                            amounts: .init(cpu: .init(1, at: .min)))
                    ]), at: noon)
        }.text
        #expect(text.contains("container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"} 1e-09\n"))
        #expect(!text.contains("container_start_time_seconds"))
    }

    @Test("Who makes a page is told of it, whether it was asked for or is kept up to date")
    func interest() {
        let seen = Seen()
        let api = API { seen.add($0) }
        _ = api.answer(request("/metrics/resource", query: "x"), view())
        _ = api.page("/metrics/resource", view())
        _ = api.page("/nothing", view())
        _ = api.answer(request("/metrics/resource", method: "POST"), view())
        _ = api.answer(request("/status"), view())
        #expect(seen.all == ["/metrics/resource", "/metrics/resource", "/status"])
    }
}
