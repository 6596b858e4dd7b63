// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// The heartbeat on the status page.
enum StatusPageLease {
    static func section(_ view: HeartbeatView) -> HTML {
        var rows = [
            StatusPage.row(.text("Role"), .text(view.role.rawValue), .text(view.target)),
            row(
                "Lease", view.lease,
                detail: view.written.map { "\($0.namespace)/\($0.name), held by \($0.holderIdentity)" }),
            row("Node status", view.status, detail: nil),
        ]
        if view.role != .none { rows.append(row("Events", view.events.loop, detail: nil)) }
        if let certificate = view.certificate { rows.append(row(certificate)) }
        for problem in [view.refusal, view.heldBack.map { "the agent's loop \($0) is stuck: nothing is renewed" }] {
            guard let problem else { continue }
            rows.append(StatusPage.row(.text("Stopped"), StatusPage.state("not renewed", .bad), .text(problem)))
        }
        return StatusPage.section("Heartbeat", HTML.element("table", ["class": "list"], rows))
    }

    private static func row(_ certificate: ClientCertificateView) -> HTML {
        let waits = certificate.awaits.map { "the request \($0) waits for approval" }
        let notes = [certificate.problem, waits].compactMap(\.self).map {
            HTML.element("p", ["class": "soft"], .text($0))
        }
        let until = certificate.expires.map { "until \($0.rfc3339)" } ?? ""
        return StatusPage.row(
            .text("Client certificate"),
            certificate.expires == nil
                ? StatusPage.state("none yet", .warn)
                : certificate.problem != nil ? StatusPage.state("not renewed", .bad) : StatusPage.state("ok", .good),
            notes.reduce(.text(until)) { $0 + $1 })
    }

    private static func row(_ name: String, _ loop: LoopView, detail: String?) -> HTML {
        let (word, tone): (String, StatusPage.Tone) =
            loop.problem != nil ? ("fails", .bad) : loop.lastSuccess != nil ? ("ok", .good) : ("not yet", .warn)
        let notes = [loop.problem, detail].compactMap(\.self).map { HTML.element("p", ["class": "soft"], .text($0)) }
        let since = loop.lastSuccess.map { "last \($0.rfc3339)" } ?? ""
        return StatusPage.row(
            .text(name), StatusPage.state(word, tone), notes.reduce(.text(since)) { $0 + $1 })
    }
}
