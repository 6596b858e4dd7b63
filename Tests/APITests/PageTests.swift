// SPDX-License-Identifier: Apache-2.0
import Foundation
import Gate
import NodeStatus
import Testing

@testable import API

@Suite("Rendered pages")
struct RenderedPageTests {
    private func page(_ path: String, _ view: AgentView = view()) throws -> RenderedPage {
        try #require(API().page(path, view))
    }

    private func object(_ page: RenderedPage) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(page.body)) as? [String: Any])
    }

    @Test("The same truth gives the same bytes", arguments: API.pages.map(\.path))
    func stable(path: String) throws {
        #expect(try page(path) == page(path))
    }

    @Test("Time that passes changes nothing but the metrics' own time stamps")
    func rest() throws {
        var later = healthySnapshot()
        later.time = Timestamp(seconds: noon.seconds + 60)
        later.sources = later.sources.map { source in
            var source = source
            source.lastDuration *= 2
            if source.lastSuccess != nil { source.lastSuccess = later.time }
            return source
        }
        for path in ["/", "/status", "/node", "/healthz"] {
            #expect(try page(path) == page(path, view(later)), "\(path)")
        }
    }

    @Test("/status has every part, and a missing reading is an error where its value would be")
    func status() throws {
        var snapshot = healthySnapshot()
        snapshot.ioPressure = .missing("open /proc/pressure/io: No such file or directory")
        let report = try object(page("/status", view(snapshot)))
        #expect(
            Set(report.keys) == [
                "node", "status", "signals", "pressure", "resources", "fileSystems", "network", "system", "runtime",
                "lease", "taints", "checkpoints", "collectors", "agent",
            ])
        let pressure = try #require(report["pressure"] as? [String: Any])
        #expect(
            (pressure["io"] as? [String: Any])?["error"] as? String
                == "open /proc/pressure/io: No such file or directory")
        #expect((pressure["cpu"] as? [String: Any])?["some"] != nil)
        let mounts = try #require(report["fileSystems"] as? [[String: Any]])
        #expect(
            (mounts[1]["usage"] as? [String: Any])?["error"] as? String == "statfs /mnt/hung has not returned for 2 s")
        let sources = try #require(report["collectors"] as? [[String: Any]])
        #expect(sources.map { $0["state"] as? String } == ["ok", "hung", "absent"])
    }

    @Test("A snapshot of which nothing has been read renders on every page", arguments: API.pages.map(\.path))
    func empty(path: String) throws {
        let page = try page(path, view(NodeSnapshot(time: noon)))
        #expect(!page.body.isEmpty)
    }

    @Test("/metrics/resource carries the kubelet's names and the readings' times")
    func resource() throws {
        let text = try page("/metrics/resource").text
        #expect(text.contains("\nnode_cpu_usage_seconds_total 1.5 1795000000000\n"))
        #expect(text.contains("\nnode_memory_working_set_bytes 2147483648 1795000000000\n"))
        #expect(text.contains("\nnode_swap_usage_bytes 536870912 1795000000000\n"))
        #expect(text.contains("\nresource_scrape_error 0\n"))
        var broken = healthySnapshot()
        broken.memory = .missing("gone")
        let failing = try page("/metrics/resource", view(broken)).text
        #expect(failing.contains("\nresource_scrape_error 1\n") && !failing.contains("node_memory"))
    }

    @Test("What others have named cannot become markup or labels")
    func hostileNames() throws {
        var snapshot = healthySnapshot()
        let evil = "/mnt/<script>alert(\"1\")</script>'&\u{1b}[31m\n"
        snapshot.fileSystems = .value(
            [
                MountedFileSystem(
                    mountPoint: evil, source: evil, type: "ext4", readOnly: false, device: "1:1",
                    usage: .value(
                        FileSystemUsage(path: evil, capacity: 1, available: 1, free: 1, inodes: 0, inodesFree: 0),
                        at: noon))
            ], at: noon)
        snapshot.sources = [SourceReport(name: evil, state: .failed, error: evil, since: noon)]
        let html = try page("/", view(snapshot)).text
        #expect(!html.contains("<script") && !html.contains("\u{1b}"))
        #expect(html.contains("&lt;script&gt;alert(&quot;1&quot;)"))
        let metrics = try page("/metrics", view(snapshot)).text
        #expect(metrics.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("nodekeep_") })
        #expect(try object(page("/status", view(snapshot)))["collectors"] != nil)
    }

    @Test("The style sheet's digest is the one the policy allows")
    func digest() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(Data(StatusPageStyle.text.description.utf8))
        try input.fileHandleForWriting.close()
        let hex = String(decoding: output.fileHandleForReading.readDataToEndOfFile().prefix(64), as: UTF8.self)
        process.waitUntilExit()
        let bytes = stride(from: 0, to: 64, by: 2).map { offset in
            UInt8(hex.dropFirst(offset).prefix(2), radix: 16) ?? 0
        }
        #expect(Data(bytes).base64EncodedString() == StatusPageStyle.digest)
        #expect(try page("/").text.contains("<style>\(StatusPageStyle.text)</style>"))
    }

    @Test("The page for people loads nothing and says what /status says")
    func people() throws {
        let page = try page("/")
        #expect(
            page.headers.contains { $0.name == "content-security-policy" && $0.value.hasPrefix("default-src 'none';") })
        for word in [
            "node-a", "MemoryPressure", "Ready", "nodefs.available", "threshold 10%", "/mnt/hung", "eth0",
            "192.0.2.7/24", "unix:///run/containerd/containerd.sock", "bad.service", "statfs:/mnt/hung",
        ] {
            #expect(page.text.contains(word), "\(word)")
        }
        #expect(!page.text.contains("http:") && !page.text.contains("src=") && !page.text.contains(" style="))
    }
}

@Suite("The numbers on /metrics")
struct MetricsPageTests {
    @Test(
        "Values are numbers, not bit patterns",
        arguments: [
            "nodekeep_memory_capacity_bytes 8589934592", "nodekeep_memory_available_bytes 6442450944",
            "nodekeep_memory_rss_bytes 1073741824", "nodekeep_page_faults_total 10", "nodekeep_cpus 4",
            "nodekeep_cpu_usage_seconds_total 1.5", "nodekeep_tasks_limit 32768", "nodekeep_swap_used_bytes 536870912",
            "nodekeep_filesystem_inodes_free{mountpoint=\"/\",device=\"/dev/vda\",fstype=\"ext4\"} 900",
            "nodekeep_network_transmit_drops_total{interface=\"eth0\"} 8",
            "nodekeep_pressure_stall_seconds_total{resource=\"memory\",kind=\"full\"} 2",
            "nodekeep_pressure_stall_ratio{resource=\"io\",kind=\"some\",window=\"10s\"} 0.015",
            "nodekeep_signal_threshold{signal=\"memory.available\",kind=\"hard\"} 104857600",
            "nodekeep_clock_maximum_error_seconds 0.005", "nodekeep_source_hung{source=\"statfs:/mnt/hung\"} 1",
            "nodekeep_process_cpu_seconds_total{process=\"agent\"} 0.5",
        ])
    func numbers(line: String) throws {
        let page = try #require(API().page("/metrics", view()))
        #expect(page.text.split(separator: "\n").contains(Substring(line)))
    }

    @Test("A source that this node does not have is no failing source")
    func absent() throws {
        let page = try #require(API().page("/metrics", view()))
        #expect(!page.text.contains("source=\"hostname1\""))
    }
}
