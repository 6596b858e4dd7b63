// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// Disks and network on the status page.
enum StatusPageDevices {
    static func fileSystems(_ view: AgentView) -> HTML {
        guard let mounts = view.snapshot.fileSystems.value else {
            return StatusPage.section(
                "File systems", StatusPage.note(view.snapshot.fileSystems.missingReason ?? "not read"))
        }
        let rows = mounts.map { mount in
            let what = HTML.element(
                "p", ["class": "soft"], .text("\(mount.source), \(mount.type)\(mount.readOnly ? ", read-only" : "")"))
            guard let usage = mount.usage.value else {
                return StatusPage.row(
                    .text(mount.mountPoint), StatusPage.note(mount.usage.missingReason ?? "not measured") + what)
            }
            let words =
                "\(StatusPage.bytes(usage.available)) of \(StatusPage.bytes(usage.capacity)) available"
                + (usage.inodes > 0 ? ", \(usage.inodesFree) of \(usage.inodes) inodes free" : "")
            return StatusPage.row(
                .text(mount.mountPoint),
                .text(words)
                    + StatusPage.bar(
                        available: usage.available, capacity: usage.capacity, threshold: nil, over: false,
                        label: words) + what)
        }
        return StatusPage.section("File systems", HTML.element("table", ["class": "list tall"], rows))
    }

    static func network(_ view: AgentView) -> HTML {
        let snapshot = view.snapshot
        let routes =
            switch NetworkOverview.compute(snapshot) {
            case .missing(let reason): StatusPage.note(reason)
            case .value(let overview, _): routeWords(overview)
            }
        guard let interfaces = snapshot.interfaces.value else {
            return StatusPage.section(
                "Network", routes + StatusPage.note(snapshot.interfaces.missingReason ?? "not read"))
        }
        // Pods' interfaces have no addresses on the node's side and would bury the others.
        let shown = interfaces.filter { !$0.addresses.isEmpty && !$0.isLoopback }.prefix(32)
        let rows = shown.map { interface in
            StatusPage.row(
                .text(interface.name),
                StatusPage.state(interface.isUp ? "up" : "down", interface.isUp ? .good : .bad),
                .text(interface.addresses.map { "\($0.address)/\($0.prefixLength)" }.joined(separator: ", "))
                    + (interface.counters.map { counters in
                        HTML.element(
                            "p", ["class": "soft"],
                            .text(
                                "\(counters.receiveErrors) receive errors, \(counters.sendErrors) send errors, "
                                    + "\(counters.receiveDrops) and \(counters.sendDrops) dropped"))
                    } ?? .empty))
        }
        let rest = interfaces.count - rows.count
        return StatusPage.section(
            "Network",
            routes + HTML.element("table", ["class": "list tall"], rows)
                + (rest > 0 ? StatusPage.note("\(rest) more: loopback, or without an address") : .empty))
    }

    private static func routeWords(_ overview: NetworkOverview) -> HTML {
        guard !overview.defaultRoutes.isEmpty else { return StatusPage.note("No default route.") }
        return HTML.element(
            "p", [:],
            .text(
                overview.defaultRoutes.map { route in
                    "\(route.family) by \(route.interface)" + (route.gateway.map { " via \($0)" } ?? "")
                        + (route.isUp == false ? " (interface down)" : "")
                }.joined(separator: "; ")))
    }
}
