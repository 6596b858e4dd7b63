// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// `/status` as text that reads like `kubectl describe node`.
struct StatusText {
    private(set) var text = ""
    private let report: ConfigurationValue

    init(_ report: ConfigurationValue) {
        self.report = report
        field("Name", report["node"]?["name"])
        labels()
        field("Boot", report["system"]?["bootTime"])
        for taint in items(report["taints"]) {
            let value = taint["value"].map { "=\(plain($0))" } ?? ""
            line("Taints:", plain(taint["key"]) + value + ":" + plain(taint["effect"]))
        }
        conditions()
        addresses()
        resources("Capacity", report["status"]?["capacity"])
        resources("Allocatable", report["status"]?["allocatable"])
        section("System Info", report["status"]?["nodeInfo"])
        signals()
        pressure()
        fileSystems()
        system()
        runtime()
        sources()
        agent()
    }

    private mutating func labels() {
        var isFirst = true
        for (name, value) in fields(report["node"]?["labels"]) {
            line(isFirst ? "Labels:" : "", "\(name)=\(plain(value))")
            isFirst = false
        }
    }

    private mutating func conditions() {
        text += "Conditions:\n"
        table(
            [["Type", "Status", "LastTransitionTime", "Reason", "Message"]]
                + items(report["status"]?["conditions"]).map { condition in
                    ["type", "status", "lastTransitionTime", "reason", "message"].map { plain(condition[$0]) }
                })
    }

    private mutating func addresses() {
        text += "Addresses:\n"
        for address in items(report["status"]?["addresses"]) {
            text += "  \(plain(address["type"])):  \(plain(address["address"]))\n"
        }
    }

    private mutating func resources(_ title: String, _ value: ConfigurationValue?) {
        text += "\(title):\n"
        table(fields(value).map { ["\($0.0):", plain($0.1)] })
    }

    private mutating func section(_ title: String, _ value: ConfigurationValue?) {
        text += "\(title):\n"
        table(fields(value).filter { plain($0.1) != "" }.map { ["\($0.0):", plain($0.1)] })
    }

    private mutating func signals() {
        text += "Signals:\n"
        table(
            [["Signal", "Available", "Capacity", "Threshold", "Met", "Since"]]
                + items(report["signals"]).compactMap { signal in
                    guard signal["notApplicable"] == nil else { return nil }
                    let thresholds = [signal["hard"], signal["soft"]].compactMap { $0?["text"] }.map(plain)
                    let available = signal["available"].map(plain) ?? plain(signal["missing"])
                    return [
                        plain(signal["signal"]), available, plain(signal["capacity"]),
                        thresholds.isEmpty ? "none" : thresholds.joined(separator: ", "), plain(signal["met"]),
                        plain(signal["since"]),
                    ]
                })
    }

    private mutating func pressure() {
        text += "Pressure:\n"
        table(
            [["Resource", "some avg10", "some avg60", "full avg60"]]
                + fields(report["pressure"]).map { name, value in
                    value["error"].map { [name, plain($0)] } ?? [
                        name, plain(value["some"]?["avg10"]), plain(value["some"]?["avg60"]),
                        plain(value["full"]?["avg60"]),
                    ]
                })
    }

    private mutating func fileSystems() {
        text += "File systems:\n"
        table(
            [["Mounted on", "Source", "Type", "Available", "Capacity"]]
                + items(report["fileSystems"]).map { mount in
                    let usage = mount["usage"]
                    return [
                        plain(mount["mountPoint"]), plain(mount["source"]), plain(mount["type"]),
                        usage?["error"].map(plain) ?? plain(usage?["availableBytes"]), plain(usage?["capacityBytes"]),
                    ]
                })
    }

    private mutating func system() {
        text += "System:\n"
        let system = report["system"]
        var rows = ["hostname", "kernel", "os"].map { ["\($0):", plain(system?[$0])] }
        rows.append(["clock synchronized:", plain(system?["clock"]?["synchronized"] ?? system?["clock"])])
        rows.append(["systemd:", plain(system?["systemd"]?["state"] ?? system?["systemd"])])
        let failed = items(system?["systemd"]?["failedUnits"]).map(plain)
        if !failed.isEmpty { rows.append(["failed units:", failed.joined(separator: " ")]) }
        table(rows)
    }

    private mutating func runtime() {
        let runtime = report["runtime"]
        guard runtime?["endpoint"] != nil else { return line("Runtime:", plain(runtime?["problem"])) }
        text += "Runtime:\n"
        let since = "since \(plain(runtime?["since"]))"
        var rows = [
            ["endpoint:", plain(runtime?["endpoint"])],
            [
                "state:",
                runtime?["answers"] == .bool(true) ? "answers \(since)" : "\(plain(runtime?["problem"])), \(since)",
            ],
        ]
        let name = [runtime?["name"], runtime?["version"]].map(plain).filter { !$0.isEmpty }.joined(separator: " ")
        if !name.isEmpty { rows.append(["runtime:", name]) }
        for condition in items(runtime?["conditions"]) {
            let isTrue = condition["status"] == .bool(true)
            let reason = [condition["reason"], condition["message"]].map(plain).filter { !$0.isEmpty }
            rows.append([
                "\(plain(condition["type"])):", isTrue ? "true" : (["false"] + reason).joined(separator: ": "),
            ])
        }
        let checkpoint = runtime?["checkpoint"]
        let support =
            switch checkpoint?["supported"] {
            case .bool(true): "supported"
            case .bool(false): "not supported: \(plain(checkpoint?["reason"]))"
            default: "unknown: \(plain(checkpoint?["reason"]))"
            }
        rows.append(["checkpoints:", support])
        if let images = runtime?["imageFileSystem"] {
            let problem = images["problem"].map { " (\(plain($0)))" } ?? ""
            rows.append(["images:", "\(plain(runtime?["imageCount"])) in \(plain(images["mountPoint"]))\(problem)"])
        }
        table(rows)
    }

    private mutating func sources() {
        let unwell = items(report["collectors"]).filter {
            $0["state"] != .string("ok") && $0["state"] != .string("absent")
        }
        text += unwell.isEmpty ? "Sources:  all well\n" : "Sources that are not well:\n"
        table(unwell.map { source in ["state", "name", "since", "error"].map { plain(source[$0]) } })
    }

    private mutating func agent() {
        line("Agent:", "nodekeep \(plain(report["agent"]?["version"])), since \(plain(report["agent"]?["startTime"]))")
    }

    // MARK: - Layout

    private mutating func field(_ name: String, _ value: ConfigurationValue?) {
        line("\(name):", plain(value))
    }

    private mutating func line(_ name: String, _ value: String) {
        text += name + String(repeating: " ", count: max(1, 20 - name.count)) + value + "\n"
    }

    /// Columns as wide as their widest cell, the last one ragged.
    private mutating func table(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.compactMap { column + 1 < $0.count ? $0[column].count : nil }.max() ?? 0
        }
        for row in rows {
            let cells = row.enumerated().map { column, cell in
                column + 1 == row.count
                    ? cell : cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
            }
            text += "  " + cells.joined(separator: "  ") + "\n"
        }
    }

    private func items(_ value: ConfigurationValue?) -> [ConfigurationValue] {
        if case .array(let items) = value { items } else { [] }
    }

    private func fields(_ value: ConfigurationValue?) -> [(String, ConfigurationValue)] {
        if case .object(let fields) = value { fields.map { ($0.name, $0.value) } } else { [] }
    }

    private func plain(_ value: ConfigurationValue?) -> String {
        switch value {
        case nil, .null: ""
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): "\(int)"
        case .double(let double): "\(double)"
        // What the agent repeats from elsewhere must not drive the reader's terminal.
        case .string(let string): StandardErrorLogHandler.printable(string)
        case .array(let items): items.map(plain).joined(separator: ", ")
        case .object: value?["error"].map { "unknown: " + plain($0) } ?? value?["capacity"].map(plain) ?? ""
        }
    }
}
