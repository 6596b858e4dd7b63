// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// The container runtime on the status page.
enum StatusPageRuntime {
    static func section(_ view: AgentView) -> HTML {
        guard let report = view.snapshot.runtime else {
            return StatusPage.section("Container runtime", StatusPage.note(Report.Runtime.none))
        }
        var rows = [StatusPage.row(.text("Endpoint"), .text(report.endpoint)), answers(report)]
        if let name = report.name {
            rows.append(
                StatusPage.row(
                    .text("Runtime"),
                    .text([name, report.version.value?.version].compactMap(\.self).joined(separator: " "))))
        }
        for condition in report.conditions.value ?? [] {
            rows.append(
                StatusPage.row(
                    .text(condition.type),
                    StatusPage.state(condition.isTrue ? "True" : "False", condition.isTrue ? .good : .bad),
                    .text(
                        condition.isTrue
                            ? "" : [condition.reason, condition.message].filter { !$0.isEmpty }.joined(separator: ": "))
                ))
        }
        rows.append(checkpoints(report.checkpoint))
        if let images = report.images.value {
            rows.append(StatusPage.row(.text("Images"), .text("\(images.count)") + place(view.snapshot)))
        }
        return StatusPage.section("Container runtime", HTML.element("table", ["class": "list"], rows))
    }

    private static func answers(_ report: RuntimeReport) -> HTML {
        let since = report.contactSince.map { "since \($0.rfc3339)" } ?? ""
        let problem = RuntimeWords.problem(report).map { HTML.element("p", ["class": "soft"], .text($0)) } ?? .empty
        let word =
            switch report.contact {
            case .answers: StatusPage.state("answers", .good)
            case .fails: StatusPage.state("does not answer", .bad)
            case .notYetAsked: StatusPage.state("unknown", .warn)
            }
        return StatusPage.row(.text("State"), word, .text(since) + problem)
    }

    private static func checkpoints(_ support: RuntimeReport.CheckpointSupport) -> HTML {
        switch support {
        case .supported:
            StatusPage.row(.text("Checkpoints"), StatusPage.state("supported", .good))
        case .unsupported(let reason):
            StatusPage.row(.text("Checkpoints"), StatusPage.state("not supported", .warn), .text(reason))
        case .unknown(let reason):
            StatusPage.row(.text("Checkpoints"), StatusPage.state("unknown", .warn), .text(reason))
        }
    }

    private static func place(_ snapshot: NodeSnapshot) -> HTML {
        guard let place = snapshot.runtime?.imageFileSystems.value?.first else { return .empty }
        let problem = RuntimeWords.imageProblem(snapshot).map { ": " + $0 } ?? ""
        return HTML.element("p", ["class": "soft"], .text(place + problem))
    }
}
