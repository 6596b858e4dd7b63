// SPDX-License-Identifier: Apache-2.0
internal import Gate
internal import NodeStatus

/// `/`: the node for people. Without script, readable on a phone and in the dark, nothing from elsewhere.
enum StatusPage {
    /// Nothing may be loaded, sent or framed; only the style sheet in the page itself applies, and its empty icon.
    static let contentSecurityPolicy =
        "default-src 'none'; img-src data:; style-src 'sha256-\(StatusPageStyle.digest)'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    static func render(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: "text/html; charset=utf-8",
            headers: [
                HeaderField("content-security-policy", contentSecurityPolicy),
                HeaderField("referrer-policy", "no-referrer"),
            ],
            body: Array(document(view).utf8))
    }

    private static func document(_ view: AgentView) -> String {
        let name = view.node.metadata.name
        let head = HTML.element(
            "head", [:],
            [
                HTML(trusted: "<meta charset=\"utf-8\">"),
                HTML(trusted: "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"),
                HTML(trusted: "<meta http-equiv=\"refresh\" content=\"15\">"),
                HTML(trusted: "<link rel=\"icon\" href=\"data:,\">"),
                HTML.element("title", [:], .text(name + " – nodekeep")),
                HTML.element("style", [:], HTML(trusted: StatusPageStyle.text)),
            ])
        let sections = [
            conditions(view), pressure(view), signals(view), StatusPageDevices.fileSystems(view),
            StatusPageDevices.network(view), system(view), StatusPageRuntime.section(view),
            StatusPageCheckpoints.section(view.checkpoints), StatusPageLease.section(view.heartbeat), sources(view),
        ]
        let body = HTML.element("body", [:], header(view), HTML.element("main", [:], sections), footer(view))
        return "<!DOCTYPE html>\n" + HTML.element("html", ["lang": "en"], head, body).source + "\n"
    }

    private static func header(_ view: AgentView) -> HTML {
        let info = view.node.status.nodeInfo
        let ready = view.conditions.first { $0.type == .ready }
        let addresses = (view.node.status.addresses ?? []).filter { $0.type != .hostname }.map(\.address)
        let facts = [info.osImage, info.kernelVersion, info.architecture] + addresses
        return HTML.element(
            "header", [:], HTML.element("h1", [:], .text(view.node.metadata.name)),
            state(
                ready.map { $0.status == .isTrue ? "Ready" : "Not ready" } ?? "Unknown",
                ready?.status == .isTrue ? .good : .bad),
            HTML.element("span", ["class": "soft"], .text(facts.filter { !$0.isEmpty }.joined(separator: " · "))))
    }

    private static func conditions(_ view: AgentView) -> HTML {
        let rows = view.conditions.map { condition in
            let isHealthy = condition.status == (condition.type == .ready ? .isTrue : .isFalse)
            let tone: Tone = condition.status == .unknown ? .warn : isHealthy ? .good : .bad
            return row(
                .text(condition.type.rawValue), state(condition.status.rawValue, tone),
                .text(condition.message)
                    + HTML.element(
                        "p", ["class": "soft"],
                        .text("\(condition.reason), since "),
                        HTML.element("span", ["class": "time"], .text(condition.lastTransitionTime.rfc3339))))
        }
        return section("Conditions", HTML.element("table", ["class": "list tall"], rows))
    }

    private static func pressure(_ view: AgentView) -> HTML {
        let snapshot = view.snapshot
        let all = [("CPU", snapshot.cpuPressure), ("Memory", snapshot.memoryPressure), ("I/O", snapshot.ioPressure)]
        let rows = all.map { name, reading in
            switch reading {
            case .missing(let reason):
                return row(.text(name), HTML.element("td", ["colspan": "3"], note(reason)))
            case .value(let value, _):
                return row(
                    .text(name), number(percent(value.some.avg10)), number(percent(value.some.avg60)),
                    number(percent(value.full?.avg60)))
            }
        }
        let head = heads("Waiting for", "some, 10 s", "some, 60 s", "all, 60 s")
        return section("Pressure", HTML.element("table", [:], head, HTML.element("tbody", [:], rows)))
    }

    private static func signals(_ view: AgentView) -> HTML {
        let rows = view.signals.filter { $0.notApplicable == nil }.map { signal in
            let threshold = [signal.hard.map { "threshold \($0.text)" }, signal.soft.map { "soft \($0.text)" }]
                .compactMap(\.self).joined(separator: ", ")
            guard let available = signal.available, let capacity = signal.capacity else {
                return row(.text(signal.signal.rawValue), note(signal.missing ?? "not measured"))
            }
            let limit = signal.hard?.absolute ?? signal.soft?.absolute
            let words =
                "\(amount(available, signal.signal)) of \(amount(capacity, signal.signal)) available"
                + (threshold.isEmpty ? "" : ", \(threshold)")
            return row(
                .text(signal.signal.rawValue),
                .text(words) + (signal.met ? state(" below the threshold", .bad) : .empty)
                    + bar(available: available, capacity: capacity, threshold: limit, over: signal.met, label: words))
        }
        return section("Signals", HTML.element("table", ["class": "list tall"], rows))
    }

    private static func system(_ view: AgentView) -> HTML {
        let snapshot = view.snapshot
        var rows: [HTML] = []
        func add(_ name: String, _ reading: Reading<String>) {
            let cell =
                switch reading {
                case .value(let value, _): HTML.text(value)
                case .missing(let reason): note(reason)
                }
            rows.append(row(.text(name), cell))
        }
        add("CPUs", snapshot.topology.map { "\($0.logical) (\($0.online))" })
        add("Memory", snapshot.memory.map { "\(bytes($0.total)), \(bytes($0.available)) available" })
        add(
            "Swap",
            snapshot.memory.map { $0.swapTotal == 0 ? "none" : "\(bytes($0.swapTotal)), \(bytes($0.swapUsed)) used" })
        add("Load", snapshot.load.map { "\($0.one) \($0.five) \($0.fifteen)" })
        add("Boot", snapshot.bootTime.map(\.rfc3339))
        add(
            "Clock",
            snapshot.clock.map { ($0.isSynchronized ? "synchronised" : "not synchronised") + " (\($0.source))" })
        add(
            "systemd",
            snapshot.systemd.map { systemd in
                systemd.failedUnitCount == 0
                    ? systemd.systemState
                    : "\(systemd.systemState), \(systemd.failedUnitCount) failed: \(systemd.failedUnits.joined(separator: ", "))"
            })
        add(
            "Machine",
            snapshot.host.map { host in
                [host.vendor, host.model, host.chassis, host.virtualization].filter { !$0.isEmpty }
                    .joined(separator: ", ")
            })
        return section("System", HTML.element("table", ["class": "list"], rows))
    }

    private static func sources(_ view: AgentView) -> HTML {
        let rows = view.snapshot.sources.map { source in
            let tone: Tone =
                switch source.state {
                case .ok: .good
                case .failed, .hung: .bad
                case .absent: .warn
                }
            return row(
                .text(source.name), state(source.state.rawValue, tone),
                .text("since \(source.since.rfc3339)")
                    + (source.error.map { HTML.element("p", ["class": "soft"], .text($0)) } ?? .empty))
        }
        return section("Sources", HTML.element("table", ["class": "list"], rows), wide: true)
    }

    private static func footer(_ view: AgentView) -> HTML {
        let links = API.pages.filter { $0.path != "/" && $0.listeners.contains(.local) }
            .map { HTML.element("a", ["href": $0.path], .text($0.path)) + HTML.text(" ") }
        let words = "nodekeep \(view.agent.version), started \(view.agent.startTime.rfc3339)."
        return HTML.element(
            "footer", [:], HTML.element("p", [:], links), HTML.element("p", [:], .text(words)),
            HTML.element("p", [:], .text(view.agent.notice ?? "")))
    }
}
