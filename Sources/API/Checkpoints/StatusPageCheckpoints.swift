// SPDX-License-Identifier: Apache-2.0

/// The status page's section about checkpoints.
enum StatusPageCheckpoints {
    static func section(_ view: CheckpointsView) -> HTML {
        guard let directory = view.directory else {
            return StatusPage.section("Checkpoints", StatusPage.note("Switched off."))
        }
        var parts: [HTML] = []
        if let problem = view.problem {
            parts.append(StatusPage.state("not possible", .bad))
            parts.append(HTML.element("p", ["class": "soft"], .text(problem)))
        }
        for job in view.frozen {
            let name = "\(job.namespace)/\(job.pod)/\(job.container)"
            parts.append(
                HTML.element(
                    "p", [:], StatusPage.state("may be frozen", .bad), .text(" \(name), looked after by job \(job.id)"))
            )
        }
        let archives =
            view.archives.map { "\($0) (\(StatusPage.bytes(view.bytes ?? 0)))" } ?? "not counted yet"
        let rows = [
            StatusPage.row(.text("Directory"), .text(directory)),
            StatusPage.row(.text("Archives"), .text(archives)),
            StatusPage.row(.text("Jobs"), .text("\(view.running) running, \(view.queued) queued")),
        ]
        parts.append(HTML.element("table", ["class": "list"], rows))
        return StatusPage.section("Checkpoints", parts.reduce(.empty, +))
    }
}
