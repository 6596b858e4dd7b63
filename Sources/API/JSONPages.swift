// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Gate

/// JSON as every page has it: keys sorted, so that the same truth gives the same bytes, and a newline at the end.
enum JSONText {
    static func encode(_ value: some Encodable, pretty: Bool = false) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        // Infinity and NaN have no JSON; kernel text cannot give them, a division by zero of ours could.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "+Inf", negativeInfinity: "-Inf", nan: "NaN")
        guard let data = try? encoder.encode(value) else { return Array("{}\n".utf8) }
        return Array(data) + [0x0a]
    }
}

enum JSONPages {
    /// `/status`; `?pretty` indents it.
    static func status(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, JSONText.encode(Report(view), pretty: request.flag("pretty")))
    }

    /// `/node`: the Kubernetes object; `?pretty` indents it.
    static func node(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, JSONText.encode(view.node, pretty: request.flag("pretty")))
    }

    static func configz(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, view.configuration)
    }

    /// `/checkpoints/jobs`; `?request=NAME` leaves only those whose caller named them so.
    static func checkpointJobs(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        let name = request.target?.values(of: "request").last
        let jobs = view.checkpoints.jobs.filter { name == nil || $0.request == name }
        return page(request, JSONText.encode(CheckpointJobList(items: jobs), pretty: request.flag("pretty")))
    }

    private static func page(_ request: PageRequest, _ body: [UInt8]) -> RenderedPage {
        RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: "application/json", body: body)
    }
}

enum HealthPages {
    static func healthz(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, "healthz", view.liveness)
    }

    static func livez(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, "livez", view.liveness)
    }

    static func readyz(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        page(request, "readyz", view.readiness)
    }

    private static func page(_ request: PageRequest, _ endpoint: String, _ checks: [HealthCheck]) -> RenderedPage {
        let answer = HealthAnswer(
            endpoint: endpoint, checks: checks, verbose: request.target?.values(of: "verbose").isEmpty == false,
            excluded: request.target?.values(of: "exclude") ?? [])
        return RenderedPage(
            path: request.page.path, listeners: request.page.listeners, status: answer.status,
            contentType: "text/plain; charset=utf-8", body: Array(answer.body.utf8))
    }
}
