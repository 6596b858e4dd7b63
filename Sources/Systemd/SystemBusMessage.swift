// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// What went wrong on the bus.
package struct BusError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `org.freedesktop.DBus.Error.ServiceUnknown`; empty when the error is our own.
    package var name: String
    package var text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    package var description: String { name.isEmpty ? text : "\(text) (\(name))" }

    /// Nobody has, or can be started for, that name or object.
    package var isAbsent: Bool {
        let names = ["ServiceUnknown", "NameHasNoOwner", "UnknownObject", "UnknownInterface", "UnknownMethod"]
        return names.contains { name == "org.freedesktop.DBus.Error." + $0 }
    }

    /// No answer came in time.
    package var isTimeout: Bool {
        ["NoReply", "Timeout", "TimedOut"].contains { name == "org.freedesktop.DBus.Error." + $0 }
            || name == "System.Error.ETIMEDOUT"
    }

    static func check(_ result: Int32, _ what: String) throws(BusError) {
        guard result < 0 else { return }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress, strerror_r(-result, base, buffer.count) == 0 else {
                return "error \(-result)"
            }
            return String(cString: base)
        }
        throw BusError(name: "", text: "\(what): \(text)")
    }
}

/// A value of a type that we ask for.
package enum BusValue: Equatable, Sendable {
    case string(String)
    case bool(Bool)
    case number(UInt64)

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var number: UInt64? { if case .number(let value) = self { value } else { nil } }
}

/// A reply or signal, to be read from front to back; good only inside the handler that gets it.
package struct BusMessage {
    private let message: OpaquePointer

    init(_ message: OpaquePointer) { self.message = message }

    /// `PropertiesChanged`, `PrepareForShutdown`.
    package var member: String { sd_bus_message_get_member(message).map { String(cString: $0) } ?? "" }
    package var path: String { sd_bus_message_get_path(message).map { String(cString: $0) } ?? "" }

    /// The next value if it is a string, an object path, a boolean or an unsigned number.
    package func basic() -> BusValue? {
        var type: CChar = 0
        guard sd_bus_message_peek_type(message, &type, nil) > 0 else { return nil }
        switch UInt8(bitPattern: type) {
        case UInt8(ascii: "s"), UInt8(ascii: "o"):
            var text: UnsafePointer<CChar>?
            guard sd_bus_message_read_basic(message, type, &text) > 0, let text else { return nil }
            return .string(String(cString: text))
        case UInt8(ascii: "b"):
            var flag: Int32 = 0
            return sd_bus_message_read_basic(message, type, &flag) > 0 ? .bool(flag != 0) : nil
        case UInt8(ascii: "u"):
            var number: UInt32 = 0
            return sd_bus_message_read_basic(message, type, &number) > 0 ? .number(UInt64(number)) : nil
        case UInt8(ascii: "t"):
            var number: UInt64 = 0
            return sd_bus_message_read_basic(message, type, &number) > 0 ? .number(number) : nil
        default:
            return nil
        }
    }

    /// The next value if it is a file descriptor: one of the caller's own, to be closed by him.
    package func fileDescriptor() -> Int32? {
        var descriptor: Int32 = -1
        guard sd_bus_message_read_basic(message, CChar(bitPattern: UInt8(ascii: "h")), &descriptor) > 0 else {
            return nil
        }
        // The message's own goes with the message.
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        return own >= 0 ? own : nil
    }

    /// The value in the next variant; nil, and the variant passed over, if it is of another type.
    package func variant() -> BusValue? {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        guard sd_bus_message_peek_type(message, &type, &contents) > 0, UInt8(bitPattern: type) == UInt8(ascii: "v"),
            let contents
        else { return nil }
        guard ["s", "o", "b", "u", "t"].contains(String(cString: contents)) else {
            sd_bus_message_skip(message, "v")
            return nil
        }
        guard sd_bus_message_enter_container(message, type, contents) > 0 else { return nil }
        defer { sd_bus_message_exit_container(message) }
        return basic()
    }

    /// The next value as a dictionary of properties (`a{sv}`), those of other types left out; nil if it is none.
    package func properties() -> [String: BusValue]? {
        guard sd_bus_message_enter_container(message, CChar(bitPattern: 0x61), "{sv}") > 0 else { return nil }
        defer { sd_bus_message_exit_container(message) }
        var properties: [String: BusValue] = [:]
        while sd_bus_message_enter_container(message, CChar(bitPattern: 0x65), "sv") > 0 {
            if case .string(let name) = basic(), let value = variant() { properties[name] = value }
            sd_bus_message_exit_container(message)
        }
        return properties
    }

    /// The first string of each struct in the next array, in its order; nil if it is no array of `signature`.
    package func firstStrings(ofStructs signature: String) -> [String]? {
        guard signature.hasPrefix("s"),
            sd_bus_message_enter_container(message, CChar(bitPattern: 0x61), "(\(signature))") > 0
        else { return nil }
        defer { sd_bus_message_exit_container(message) }
        var strings: [String] = []
        while sd_bus_message_enter_container(message, CChar(bitPattern: 0x72), signature) > 0 {
            if case .string(let text) = basic() { strings.append(text) }
            sd_bus_message_skip(message, String(signature.dropFirst()))
            sd_bus_message_exit_container(message)
        }
        return strings
    }
}
