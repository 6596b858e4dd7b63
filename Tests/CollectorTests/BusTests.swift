// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Testing

@testable import Collector

/// A private dbus-daemon with the mock services on it; both end with the object.
private final class TestBus {
    let directory: String
    var address: String { "unix:path=\(directory)/bus" }
    private var daemon: pid_t = 0
    private var services: pid_t = 0
    private var commands: Int32 = -1

    init(muted: [String] = []) throws {
        directory = try temporaryDirectory()
        try startDaemon()
        try startServices(muted: muted)
    }

    func startDaemon() throws {
        let configuration = """
            <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "">
            <busconfig><type>session</type><listen>\(address)</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*" eavesdrop="true"/>
            <allow receive_sender="*"/><allow own="*"/></policy></busconfig>
            """
        unlink(directory + "/bus")
        let file = fopen(directory + "/bus.conf", "w")
        fputs(configuration, file)
        if let file { fclose(file) }
        (daemon, _) = try spawn(
            ["dbus-daemon", "--config-file=\(directory)/bus.conf", "--nofork", "--print-address"], environment: [])
    }

    func startServices(muted: [String] = []) throws {
        (services, commands) = try spawn(
            ["/usr/bin/python3", fixture("mock-bus.py")] + muted, environment: ["DBUS_SESSION_BUS_ADDRESS=\(address)"])
    }

    func send(_ command: String) {
        let line = command + "\n"
        _ = line.withCString { write(commands, $0, strlen($0)) }
    }

    func killDaemon() {
        kill(daemon, SIGKILL)
        waitpid(daemon, nil, 0)
        daemon = 0
        stopServices()
    }

    /// They end by themselves, and their names are free.
    func quitServices() {
        send("quit")
        waitpid(services, nil, 0)
        close(commands)
        services = 0
    }

    private func stopServices() {
        if services > 0 {
            kill(services, SIGKILL)
            waitpid(services, nil, 0)
            close(commands)
        }
        services = 0
    }

    deinit {
        stopServices()
        if daemon > 0 {
            kill(daemon, SIGKILL)
            waitpid(daemon, nil, 0)
        }
        system("rm -rf '\(directory)'")
    }

    /// Starts a program and waits for its first line of output. Its input is the second result.
    private func spawn(_ arguments: [String], environment: [String]) throws -> (pid_t, Int32) {
        var output: [Int32] = [0, 0]
        var input: [Int32] = [0, 0]
        pipe(&output)
        pipe(&input)
        for end in [output[0], input[1]] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        var child = pid_t()
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = (environment + ["PATH=/usr/bin:/bin"]).map { strdup($0) } + [nil]
        let result = posix_spawnp(&child, arguments[0], &actions, nil, argv, envp)
        close(input[0])
        close(output[1])
        defer { close(output[0]) }
        guard result == 0 else { throw SourceFailure.failed("start \(arguments[0]): \(errorText(result))") }
        var line = [UInt8](repeating: 0, count: 256)
        guard read(output[0], &line, line.count) > 0 else { throw SourceFailure.failed("\(arguments[0]) says nothing") }
        return (child, input[1])
    }
}

@Suite("The message bus", .serialized)
struct BusTests {
    /// A bus source with its view; `until` turns the view as the collector's thread does.
    private final class Rig {
        let wake = EventSignal()
        let source: BusSource
        let view: BusView
        let ledger: SourceLedger
        private let buffer = ReadBuffer()

        init(_ address: String?) throws {
            var options = CollectorOptions()
            options.busAddress = address
            options.sysRoot = fixture("cgroup2") + "/sys"
            options.procRoot = fixture("cgroup2") + "/proc"
            ledger = SourceLedger(options.clock)
            source = try #require(BusSource(options, wake: wake))
            view = BusView(options, ledger, source)
            try source.start()
        }

        deinit { source.stop() }

        func report(_ name: String) -> SourceReport? { ledger.reports.first { $0.name == name } }

        /// Waits for changes, not for time; false after `seconds`.
        func until(seconds: UInt64 = 8, _ condition: (BusView) -> Bool) -> Bool {
            let clock = CollectorClock()
            let end = clock.monotonic() + seconds * .second
            while true {
                view.update(clock.now, buffer)
                if condition(view) { return true }
                let now = clock.monotonic()
                guard now < end else { return false }
                var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
                poll(&descriptor, 1, Int32((end - now) / .millisecond + 1))
                wake.drain()
            }
        }
    }

    @Test("what the four services say arrives, and host and clock come from the bus")
    func values() throws {
        let bus = try TestBus()
        let rig = try Rig(bus.address)
        #expect(
            rig.until { $0.systemd.value != nil && $0.host.value?.source == "hostname1" && $0.clock != nil })
        #expect(
            rig.view.systemd.value
                == SystemdState(
                    version: "252.39-1", systemState: "running", failedUnits: [], failedUnitCount: 0,
                    virtualization: "kvm", isPreparingForShutdown: false))
        #expect(
            rig.view.host.value
                == HostDescription(
                    chassis: "server", vendor: "ACME", model: "Rocket", virtualization: "kvm", source: "hostname1"))
        #expect(rig.view.clock?.isSynchronized == true)
        #expect(rig.until { _ in rig.report("login1")?.state == .ok && rig.report("bus")?.state == .ok })
    }

    @Test("a unit that fails and is reset again shows within two seconds")
    func failedUnits() throws {
        let bus = try TestBus()
        let rig = try Rig(bus.address)
        #expect(rig.until { $0.systemd.value?.systemState == "running" })
        let start = CollectorClock().monotonic()
        bus.send("fail b.service a.service")
        #expect(rig.until { $0.systemd.value?.failedUnitCount == 2 })
        #expect(CollectorClock().monotonic() - start < 2 * .second)
        #expect(rig.view.systemd.value?.failedUnits == ["a.service", "b.service"])
        #expect(rig.view.systemd.value?.systemState == "degraded")
        bus.send("reset")
        #expect(rig.until { $0.systemd.value?.failedUnits == [] && $0.systemd.value?.systemState == "running" })
    }

    @Test("a shutdown that is announced and called off again is heard both times")
    func shutdown() throws {
        let bus = try TestBus()
        let rig = try Rig(bus.address)
        #expect(rig.until { $0.systemd.value != nil && rig.report("login1")?.state == .ok })
        bus.send("shutdown true")
        #expect(rig.until { $0.systemd.value?.isPreparingForShutdown == true })
        bus.send("shutdown false")
        #expect(rig.until { $0.systemd.value?.isPreparingForShutdown == false })
    }

    @Test("a service that never answers hangs alone")
    func mute() throws {
        let bus = try TestBus(muted: ["hostname1", "timedate1"])
        let rig = try Rig(bus.address)
        #expect(rig.until { $0.systemd.value != nil })
        #expect(rig.report("hostname1")?.state != .hung)
        #expect(rig.until { _ in rig.report("hostname1")?.state == .hung && rig.report("timedate1")?.state == .hung })
        #expect(rig.report("hostname1")?.error == "hostname1 has not answered for 2 s")
        #expect(rig.view.host.value?.source == "sysfs")
        bus.send("fail x.service")
        #expect(rig.until { $0.systemd.value?.failedUnits == ["x.service"] })
    }

    @Test("systemd1 that stops answering is hung and its state missing; the rest goes on")
    func muteManager() throws {
        let bus = try TestBus(muted: ["systemd1"])
        let rig = try Rig(bus.address)
        #expect(rig.until { $0.host.value?.source == "hostname1" })
        #expect(rig.report("systemd1")?.state != .hung)
        #expect(rig.until { $0.systemd == .missing("systemd1 has not answered for 2 s") })
        #expect(rig.report("systemd1")?.state == .hung)
    }

    @Test("a bus that dies is reported, and connected to again when it is back")
    func reconnect() throws {
        let bus = try TestBus()
        let rig = try Rig(bus.address)
        #expect(rig.until { $0.systemd.value != nil })
        bus.killDaemon()
        #expect(rig.until { $0.systemd.value == nil })
        #expect(rig.report("bus")?.state == .failed)
        try bus.startDaemon()
        try bus.startServices()
        rig.source.refresh()
        #expect(rig.until(seconds: 15) { $0.systemd.value != nil })
        #expect(rig.report("bus")?.state == .ok)
    }

    @Test("a bus without those services: they are absent, which is no failure")
    func noServices() throws {
        let bus = try TestBus()
        bus.quitServices()
        let rig = try Rig(bus.address)
        for service in ["hostname1", "login1", "systemd1", "timedate1"] {
            // Absent is also what has not been asked yet; the bus's answer begins with the service's name.
            #expect(rig.until { _ in rig.report(service)?.error?.hasPrefix("\(service): ") == true })
            #expect(rig.report(service)?.state == .absent)
            #expect(rig.report(service)?.failures == 0)
        }
        #expect(rig.report("bus")?.state == .ok)
    }

    @Test("no bus at all is absent")
    func noBus() throws {
        let rig = try Rig("unix:path=/nonexistent/bus")
        #expect(rig.until { $0.systemd == .missing("no message bus: /nonexistent/bus does not exist") })
        #expect(rig.report("bus")?.state == .absent)
        #expect(rig.view.host.value?.source == "sysfs")
    }

    @Test("a bus that accepts and never says a word is given up after two seconds")
    func silentBus() throws {
        let directory = try temporaryDirectory()
        defer { system("rm -rf '\(directory)'") }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array((directory + "/bus").utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        #expect(listen(listener, 8) == 0)
        let rig = try Rig("unix:path=\(directory)/bus")
        #expect(rig.until { _ in rig.report("bus")?.state == .failed })
        #expect(rig.report("bus")?.error == "the bus has accepted a connection and not answered for 2 s")
        #expect(rig.view.systemd.missingReason == rig.report("bus")?.error)
    }
}
