// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// A service that systemd runs apart from ours, in a cgroup of its own: it goes on when our unit is stopped.
///
/// org.freedesktop.systemd1(5), `StartTransientUnit`.
package struct TransientUnit: Sendable {
    /// `nodekeep-dump-….service`
    package var name: String
    package var description: String
    /// The absolute path of the program, then its arguments; the path is the first of them too.
    package var command: [String]
    /// Properties that are a word: `ProtectSystem=strict`.
    package var words: [(name: String, value: String)] = []
    /// Properties that are a list of words: `ReadWritePaths=`.
    package var lists: [(name: String, values: [String])] = []
    package var flags: [(name: String, value: Bool)] = []
    /// Properties that are a number of 64 bits: `CapabilityBoundingSet=`.
    package var numbers: [(name: String, value: UInt64)] = []

    package init(name: String, description: String, command: [String]) {
        self.name = name
        self.description = description
        self.command = command
    }

    /// Whether this process is a service of the systemd that runs this machine.
    package static var isPossible: Bool {
        access("/run/systemd/system", F_OK) == 0 && getenv("INVOCATION_ID") != nil && getenv("NOTIFY_SOCKET") != nil
    }

    /// Has it started. Waits until systemd has taken the job, two seconds at the most: not for a task, nor for a loop
    /// that others wait for.
    package func start() throws(BusError) {
        let what = "start the unit \(name)"
        var opened: OpaquePointer?
        try BusError.check(sd_bus_open_system(&opened), "connect to the system bus")
        guard let bus = opened else { throw BusError(name: "", text: "connect to the system bus: no memory") }
        defer { sd_bus_flush_close_unref(bus) }
        var made: OpaquePointer?
        try BusError.check(
            sd_bus_message_new_method_call(
                bus, &made, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "StartTransientUnit"), what)
        guard let message = made else { throw BusError(name: "", text: "\(what): no memory") }
        defer { sd_bus_message_unref(message) }
        let writer = BusWriter(message: message, what: what)
        try writer.string(name)
        try writer.string("fail")
        try writer.container("a", "(sv)") { () throws(BusError) in try writeProperties(writer) }
        // No auxiliary units.
        try writer.container("a", "(sa(sv))") { () throws(BusError) in }
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        var reply: OpaquePointer?
        let result = sd_bus_call(bus, message, SystemBus.callTimeout, &error, &reply)
        sd_bus_message_unref(reply)
        if result < 0, let name = error.name {
            throw BusError(
                name: String(cString: name), text: error.message.map { String(cString: $0) } ?? "no reason given")
        }
        try BusError.check(result, what)
    }

    private func writeProperties(_ writer: BusWriter) throws(BusError) {
        try writer.property("Description", "s") { () throws(BusError) in try writer.string(description) }
        try writer.property("CollectMode", "s") { () throws(BusError) in try writer.string("inactive-or-failed") }
        try writer.property("ExecStart", "a(sasb)") { () throws(BusError) in
            try writer.container("a", "(sasb)") { () throws(BusError) in
                try writer.container("r", "sasb") { () throws(BusError) in
                    try writer.string(command.first ?? "")
                    try writer.strings(command)
                    try writer.flag(false)
                }
            }
        }
        for (name, value) in words {
            try writer.property(name, "s") { () throws(BusError) in try writer.string(value) }
        }
        for (name, values) in lists {
            try writer.property(name, "as") { () throws(BusError) in try writer.strings(values) }
        }
        for (name, value) in flags {
            try writer.property(name, "b") { () throws(BusError) in try writer.flag(value) }
        }
        for (name, value) in numbers {
            try writer.property(name, "t") { () throws(BusError) in try writer.number(value) }
        }
    }
}

/// Writes the arguments of a call, front to back.
private struct BusWriter {
    let message: OpaquePointer
    let what: String

    func string(_ text: String) throws(BusError) {
        let result = text.withCString { sd_bus_message_append_basic(message, Self.type("s"), $0) }
        try BusError.check(result, what)
    }

    func flag(_ value: Bool) throws(BusError) {
        var number: Int32 = value ? 1 : 0
        try BusError.check(sd_bus_message_append_basic(message, Self.type("b"), &number), what)
    }

    func number(_ value: UInt64) throws(BusError) {
        var number = value
        try BusError.check(sd_bus_message_append_basic(message, Self.type("t"), &number), what)
    }

    func strings(_ values: [String]) throws(BusError) {
        try container("a", "s") { () throws(BusError) in
            for value in values { try string(value) }
        }
    }

    func container(
        _ kind: Unicode.Scalar, _ contents: String, _ body: () throws(BusError) -> Void
    ) throws(BusError) {
        try BusError.check(sd_bus_message_open_container(message, Self.type(kind), contents), what)
        try body()
        try BusError.check(sd_bus_message_close_container(message), what)
    }

    func property(_ name: String, _ type: String, _ value: () throws(BusError) -> Void) throws(BusError) {
        try container("r", "sv") { () throws(BusError) in
            try string(name)
            try container("v", type) { () throws(BusError) in try value() }
        }
    }

    private static func type(_ scalar: Unicode.Scalar) -> CChar { CChar(truncatingIfNeeded: scalar.value) }
}
