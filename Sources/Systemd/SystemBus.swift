// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// One connection to a message bus, over sd-bus. Nothing here blocks.
///
/// Everything, making and releasing included, happens in one thread: it polls `descriptor` for `events` until
/// `deadline`, then calls `process`, which runs the handlers.
package final class SystemBus {
    package typealias ReplyHandler = (Result<BusMessage, BusError>) -> Void

    /// A call without an answer fails after this long.
    package static let callTimeout: UInt64 = 2_000_000

    private let bus: OpaquePointer
    private var calls: [UInt: PendingCall] = [:]
    private var lastCall: UInt = 0
    private var matches: [SignalMatch] = []

    /// Begins to connect.
    ///
    /// - Parameter address: a D-Bus address such as `unix:path=/run/dbus/system_bus_socket`.
    package init(address: String) throws(BusError) {
        var bus: OpaquePointer?
        try BusError.check(sd_bus_new(&bus), "make a bus connection")
        guard let bus else { throw BusError(name: "", text: "make a bus connection: no memory") }
        self.bus = bus
        try BusError.check(sd_bus_set_address(bus, address), "use bus address \(address)")
        try BusError.check(sd_bus_set_bus_client(bus, 1), "use bus address \(address)")
        try BusError.check(sd_bus_start(bus), "connect to the bus at \(address)")
    }

    deinit {
        sd_bus_close_unref(bus)
        // Only now does nobody hold the pointers to the calls and matches any more.
        calls = [:]
        matches = []
    }

    package var descriptor: Int32 { sd_bus_get_fd(bus) }
    /// The bus has greeted us.
    package var isReady: Bool { sd_bus_is_ready(bus) > 0 }
    package var isOpen: Bool { sd_bus_is_open(bus) > 0 }
    package var hasPendingCalls: Bool { !calls.isEmpty }

    /// What to poll for.
    package var events: Int16 { Int16(truncatingIfNeeded: max(sd_bus_get_events(bus), 0)) }

    /// When `process` wants to be called at the latest, microseconds of CLOCK_MONOTONIC; nil: no matter when.
    package var deadline: UInt64? {
        var time: UInt64 = 0
        return sd_bus_get_timeout(bus, &time) > 0 && time != .max ? time : nil
    }

    /// Reads and writes what can be without waiting, and runs the handlers of what has come in.
    package func process() throws(BusError) {
        // Bounded, so that a flood of signals leaves time for other things.
        for _ in 0..<1_024 {
            let result = sd_bus_process(bus, nil)
            try BusError.check(result, "talk to the bus")
            if result == 0 { return }
        }
    }

    /// Calls a method with string arguments, perhaps followed by one array of strings.
    ///
    /// - Parameters:
    ///   - startsService: the bus may start the service for this call.
    ///   - handler: runs in `process`, once; not at all if the connection goes first.
    package func call(
        _ destination: String, path: String, _ interface: String, _ member: String, arguments: [String] = [],
        array: [String]? = nil, startsService: Bool = false, handler: @escaping ReplyHandler
    ) throws(BusError) {
        let what = "call \(interface).\(member)"
        var made: OpaquePointer?
        try BusError.check(sd_bus_message_new_method_call(bus, &made, destination, path, interface, member), what)
        guard let message = made else { throw BusError(name: "", text: "\(what): no memory") }
        defer { sd_bus_message_unref(message) }
        try BusError.check(sd_bus_message_set_auto_start(message, startsService ? 1 : 0), what)
        for argument in arguments { try Self.append(argument, to: message, what) }
        if let array {
            try BusError.check(sd_bus_message_open_container(message, CChar(bitPattern: 0x61), "s"), what)
            for element in array { try Self.append(element, to: message, what) }
            try BusError.check(sd_bus_message_close_container(message), what)
        }
        lastCall &+= 1
        let call = PendingCall(self, lastCall, handler)
        let pointer = Unmanaged.passUnretained(call).toOpaque()
        try BusError.check(sd_bus_call_async(bus, nil, message, replyArrived, pointer, Self.callTimeout), what)
        calls[call.number] = call
    }

    /// Asks for one property; the handler's message is at the value inside its variant.
    package func property(
        _ destination: String, path: String, _ interface: String, _ name: String, startsService: Bool = false,
        handler: @escaping (Result<BusValue, BusError>) -> Void
    ) throws(BusError) {
        try call(
            destination, path: path, "org.freedesktop.DBus.Properties", "Get", arguments: [interface, name],
            startsService: startsService
        ) { reply in
            handler(
                reply.flatMap { message in
                    message.variant().map { .success($0) }
                        ?? .failure(BusError(name: "", text: "\(interface).\(name) is not of a type we know"))
                })
        }
    }

    /// Hears signals.
    ///
    /// - Parameter rule: as in the D-Bus specification, `type='signal',…`.
    package func match(_ rule: String, handler: @escaping (BusMessage) -> Void) throws(BusError) {
        let match = SignalMatch(handler)
        let pointer = Unmanaged.passUnretained(match).toOpaque()
        try BusError.check(
            sd_bus_add_match_async(bus, nil, rule, signalArrived, matchInstalled, pointer),
            "match \(rule)")
        matches.append(match)
    }

    private static func append(_ text: String, to message: OpaquePointer, _ what: String) throws(BusError) {
        let result = text.withCString { sd_bus_message_append_basic(message, CChar(bitPattern: 0x73), $0) }
        try BusError.check(result, what)
    }

    fileprivate func forget(_ call: PendingCall) { calls[call.number] = nil }
}

/// A call under way; the connection owns it, sd-bus has its address.
private final class PendingCall {
    unowned let bus: SystemBus
    let number: UInt
    let handler: SystemBus.ReplyHandler

    init(_ bus: SystemBus, _ number: UInt, _ handler: @escaping SystemBus.ReplyHandler) {
        self.bus = bus
        self.number = number
        self.handler = handler
    }
}

private final class SignalMatch {
    let handler: (BusMessage) -> Void
    init(_ handler: @escaping (BusMessage) -> Void) { self.handler = handler }
}

// Free functions: closures would inherit the actor of where they are written.

private func replyArrived(
    _ message: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<sd_bus_error>?
) -> Int32 {
    guard let message, let data else { return 0 }
    let call = Unmanaged<PendingCall>.fromOpaque(data).takeUnretainedValue()
    call.bus.forget(call)
    if let error = sd_bus_message_get_error(message)?.pointee {
        call.handler(
            .failure(
                BusError(
                    name: error.name.map { String(cString: $0) } ?? "",
                    text: error.message.map { String(cString: $0) } ?? "no reason given")))
    } else {
        call.handler(.success(BusMessage(message)))
    }
    return 0
}

private func signalArrived(
    _ message: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<sd_bus_error>?
) -> Int32 {
    guard let message, let data else { return 0 }
    Unmanaged<SignalMatch>.fromOpaque(data).takeUnretainedValue().handler(BusMessage(message))
    return 0
}

// The bus refusing a match must not close the connection, which is what sd-bus does without this handler.
private func matchInstalled(
    _ message: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<sd_bus_error>?
) -> Int32 { 0 }
