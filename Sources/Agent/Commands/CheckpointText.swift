// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// Shows on a terminal how far a checkpoint is, while something else waits for it.
struct CheckpointProgress: Sendable {
    let client: CheckpointClient
    /// The caller's name for the request, by which the job is found.
    let request: String
    let isShown: Bool

    func during<Value: Sendable>(_ body: @Sendable @escaping () async throws -> Value) async throws -> Value {
        guard isShown else { return try await body() }
        let shown = Task { await show() }
        defer {
            shown.cancel()
            StandardError.write("\r\u{1b}[K")
        }
        return try await body()
    }

    private func show() async {
        let start = Time.monotonic()
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))
            guard let jobs = try? await client.jobs(request: request), !Task.isCancelled else { continue }
            guard case .array(let items)? = jobs["items"], let job = items.first else { continue }
            let elapsed = (Time.monotonic() - start).components.seconds
            StandardError.write("\r\u{1b}[K" + Self.line(job, elapsed: elapsed))
        }
    }

    static func line(_ job: ConfigurationValue, elapsed: Int64) -> String {
        var line = "\(CheckpointCell.text(job["phase"])), \(elapsed) s"
        if case .int(let position)? = job["position"] { line += ", number \(position) in the queue" }
        let written = CheckpointCell.bytes(job["writtenBytes"])
        let estimate = CheckpointCell.bytes(job["estimateBytes"])
        if let estimate {
            line += written.map { ", \($0) of about \(estimate)" } ?? ", about \(estimate) expected"
        } else if let written {
            line += ", \(written)"
        }
        return line
    }
}

/// Values in tables. What comes from the agent is text of others too: control characters would reach the terminal.
enum CheckpointCell {
    static func text(_ value: ConfigurationValue?) -> String {
        switch value {
        case .string(let text):
            String(String.UnicodeScalarView(text.unicodeScalars.map { isPlain($0) ? $0 : "\u{fffd}" }))
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): flag ? "yes" : "no"
        default: ""
        }
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
    }

    static func number(_ value: ConfigurationValue?) -> UInt64? {
        switch value {
        case .int(let number): UInt64(exactly: number)
        default: nil
        }
    }

    /// Decimal units with one decimal, as `ls -h --si` has them.
    static func bytes(_ value: ConfigurationValue?) -> String? {
        guard let count = number(value) else { return nil }
        var (amount, units) = (Double(count), ["B", "kB", "MB", "GB", "TB", "PB", "EB"][...])
        while amount >= 1_000, units.count > 1 {
            amount /= 1_000
            units.removeFirst()
        }
        let tenths = Int64((amount * 10).rounded())
        let text = units.first == "B" ? "\(count)" : "\(tenths / 10).\(tenths % 10)"
        return "\(text) \(units.first ?? "B")"
    }
}

/// `nodekeep checkpoint jobs`.
struct CheckpointJobsText {
    let text: String

    init(_ list: ConfigurationValue) {
        guard case .array(let items)? = list["items"], !items.isEmpty else {
            text = "No checkpoint is being taken, none waits.\n"
            return
        }
        var rows = [["JOB", "PHASE", "CONTAINER", "ACCEPTED", "BY", "SIZE"]]
        for job in items {
            let names = ["namespace", "pod", "container"].map { CheckpointCell.text(job[$0]) }.joined(separator: "/")
            var phase = CheckpointCell.text(job["phase"])
            if case .int(let position)? = job["position"] { phase += " (\(position))" }
            rows.append([
                CheckpointCell.text(job["id"]), phase, names, CheckpointCell.text(job["acceptedAt"]),
                CheckpointCell.text(job["requester"]),
                CheckpointCell.bytes(job["writtenBytes"]) ?? CheckpointCell.bytes(job["estimateBytes"]).map { "~" + $0 }
                    ?? "",
            ])
        }
        let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
        text =
            rows.map { row in
                zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                    .joined(separator: "  ")
            }.joined(separator: "\n") + "\n"
    }
}

/// `nodekeep checkpoint create --dry-run`.
struct CheckpointPlanText {
    private(set) var text = ""

    init(_ plan: ConfigurationValue) {
        line("Container", plan["container"])
        line("Container ID", plan["containerID"])
        line("Pod UID", plan["podUID"])
        line("Runtime", plan["runtime"])
        line("Task", plan["state"])
        bytes("Memory", plan["memoryBytes"])
        bytes("Swap", plan["swapBytes"])
        bytes("Writable layer", plan["writableLayerBytes"])
        bytes("Log", plan["logBytes"])
        if case .double(let seconds)? = plan["frozenSeconds"] {
            add("Frozen for", "about \(Self.short(seconds)) s")
        } else if case .int(let seconds)? = plan["frozenSeconds"] {
            add("Frozen for", "about \(seconds) s")
        }
        if case .array(let charges)? = plan["charges"] {
            for charge in charges {
                let needed = CheckpointCell.bytes(charge["bytes"]) ?? "?"
                let free = CheckpointCell.bytes(charge["availableBytes"]).map { ", \($0) free" } ?? ""
                add(
                    "Needs",
                    "\(needed) in \(CheckpointCell.text(charge["directory"])) (\(CheckpointCell.text(charge["purpose"]))\(free))"
                )
            }
        }
        guard case .array(let problems)? = plan["problems"], !problems.isEmpty else {
            add("Verdict", "nothing speaks against it")
            return
        }
        for problem in problems { add("Against it", CheckpointCell.text(problem)) }
    }

    private mutating func line(_ name: String, _ value: ConfigurationValue?) {
        let value = CheckpointCell.text(value)
        if !value.isEmpty { add(name, value) }
    }

    private mutating func bytes(_ name: String, _ value: ConfigurationValue?) {
        if let value = CheckpointCell.bytes(value) { add(name, value) }
    }

    private mutating func add(_ name: String, _ value: String) {
        text += name + ":" + String(repeating: " ", count: max(1, 16 - name.count)) + value + "\n"
    }

    private static func short(_ value: Double) -> String {
        let tenths = Int64((min(max(value, 0), 1e9) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
