// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Systemd

@Suite("The bus connection")
struct SystemBusTests {
    @Test("an address that is none is refused in words")
    func badAddress() {
        #expect(throws: BusError.self) { try SystemBus(address: "nonsense") }
    }

    @Test("a socket that is not there is refused, and the error names it")
    func noSocket() {
        do throws(BusError) {
            let bus = try SystemBus(address: "unix:path=/nonexistent/bus")
            try bus.process()
            Issue.record("connected to nothing")
        } catch {
            #expect(error.text == "connect to the bus at unix:path=/nonexistent/bus: No such file or directory")
            #expect(!error.isTimeout)
        }
    }

    @Test(
        "errors are sorted into absence, silence and the rest",
        arguments: [
            ("org.freedesktop.DBus.Error.ServiceUnknown", true, false),
            ("org.freedesktop.DBus.Error.NameHasNoOwner", true, false),
            ("org.freedesktop.DBus.Error.NoReply", false, true),
            ("org.freedesktop.DBus.Error.Timeout", false, true),
            ("org.freedesktop.DBus.Error.AccessDenied", false, false), ("", false, false),
        ])
    func kinds(name: String, isAbsent: Bool, isTimeout: Bool) {
        let error = BusError(name: name, text: "x")
        #expect(error.isAbsent == isAbsent)
        #expect(error.isTimeout == isTimeout)
        #expect(error.description == (name.isEmpty ? "x" : "x (\(name))"))
    }
}
