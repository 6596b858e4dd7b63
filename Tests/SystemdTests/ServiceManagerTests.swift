// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Systemd

// The variables are the process's own, so these run one after the other.
@Suite("The service manager's protocol", .serialized)
struct ServiceManagerTests {
    @Test("Messages arrive on the notify socket as sd_notify(3) has them, one assignment a line")
    func messages() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("notify-\(UUID().uuidString)").path
        defer { unlink(path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func received() -> String {
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
        setenv("NOTIFY_SOCKET", path, 1)
        defer { unsetenv("NOTIFY_SOCKET") }
        ServiceManager.ready(status: "all\nis=well")
        #expect(received() == "READY=1\nSTATUS=all is=well")
        ServiceManager.reloading(monotonicMicroseconds: 5)
        #expect(received() == "RELOADING=1\nMONOTONIC_USEC=5\nSTATUS=re-reading the configuration")
        ServiceManager.watchdog()
        #expect(received() == "WATCHDOG=1")
        ServiceManager.stopping()
        #expect(received() == "STOPPING=1\nSTATUS=stopping")
    }

    @Test("Without a service manager nothing happens")
    func nobody() {
        unsetenv("NOTIFY_SOCKET")
        #expect(!ServiceManager.notify(["READY=1"]))
    }

    @Test("The watchdog's time is the manager's, and nil without one")
    func watchdog() {
        unsetenv("WATCHDOG_USEC")
        #expect(ServiceManager.watchdogTimeout == nil)
        setenv("WATCHDOG_USEC", "3000000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        #expect(ServiceManager.watchdogTimeout == .seconds(3))
        setenv("WATCHDOG_PID", "1", 1)
        #expect(ServiceManager.watchdogTimeout == nil)
        unsetenv("WATCHDOG_USEC")
        unsetenv("WATCHDOG_PID")
    }
}
