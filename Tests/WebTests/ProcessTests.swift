// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("The web process and its agent")
struct ProcessTests {
    @Test("It has one thread, a filter, no capability and no way to new privileges")
    func confined() throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.client()
        client.get("/")
        _ = try client.response()
        let tasks = directoryEntries("/proc/\(web.process)/task")
        #expect(tasks == ["\(web.process)"])
        for task in tasks {
            let status = try web.status(task: task)
            #expect(status["Seccomp"] == "2")
            #expect(status["NoNewPrivs"] == "1")
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                #expect(status[set] == "0000000000000000")
            }
        }
        let limits = try readFile("/proc/\(web.process)/limits").split(separator: "\n")
        for (name, limit) in [("Max core file size", "0"), ("Max file size", "0")] {
            let line = limits.first { $0.hasPrefix(name) }.map { $0.dropFirst(name.count).split(separator: " ") }
            #expect(line?.first.map(String.init) == limit)
        }
    }

    @Test("It keeps the descriptors it was given and closes the others")
    func descriptors() throws {
        let web = try Harness()
        // Standard streams, gate, two listeners, an epoll descriptor for each.
        #expect(directoryEntries("/proc/\(web.process)/fd").count == 8)
    }

    @Test("When the agent closes the gate, or dies, it exits with 0")
    func gateClosed() throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/waiting")
        _ = try web.nextRequest()
        web.closeGate()
        #expect(web.exitStatus() == 0)
    }

    @Test(
        "A message that is none ends it with 3",
        arguments: [
            [1, 0, 0, 0, 99], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 3, 0], [2, 0, 0, 0, 4, 0xFF],
            [1, 0, 0, 0, 66],
        ] as [[UInt8]])
    func garbage(bytes: [UInt8]) throws {
        let web = try Harness()
        try web.sendRaw(bytes)
        #expect(web.exitStatus() == 3)
    }

    @Test("A second configuration ends it with 3")
    func configuredTwice() throws {
        let web = try Harness()
        try web.send(.configure(WebConfiguration(listeners: [])))
        #expect(web.exitStatus() == 3)
    }

    @Test("A listener that is none ends it with 4")
    func noListener() throws {
        let web = try Harness(waitUntilReady: false) { $0.listeners[0].descriptor = 77 }
        #expect(web.exitStatus() == 4)
    }

    @Test("Started by hand it says so and exits with 2")
    func byHand() throws {
        let (errors, status) = try run("nodekeep-web", [])
        #expect(status >> 8 == 2)
        #expect(errors.hasPrefix("nodekeep-web: started by nodekeep"))
        #expect(errors.split(separator: "\n").count == 1)
    }

    @Test("Signals meant for a terminal do not end it")
    func signals() throws {
        let web = try Harness()
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGPIPE] {
            kill(web.process, signal)
        }
        try web.ping()
    }

    @Test("It goes on after having been stopped and continued")
    func stopped() throws {
        let web = try Harness()
        let client = try web.client()
        kill(web.process, SIGSTOP)
        pause(milliseconds: 50)
        kill(web.process, SIGCONT)
        client.get("/a")
        try web.respond(try web.nextRequest())
        #expect(try client.response()?.status == 200)
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("Draining with nothing under way ends at once, and the listener stays for the next process")
    func drainIdle() throws {
        let web = try Harness()
        let idle = try web.client()
        while try web.ping().connectionsOpen == 0 {}
        try web.send(.drain(milliseconds: 5000))
        #expect(web.exitStatus(within: 2000) == 0)
        #expect(idle.isClosed(within: 100))
        // The agent still holds the listening socket: this waits for whoever serves it next.
        _ = try web.client()
    }

    @Test("Draining answers what is under way")
    func drainBusy() throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/a")
        let request = try web.nextRequest()
        try web.send(.drain(milliseconds: 5000))
        pause(milliseconds: 50)
        try web.respond(request)
        #expect(try client.response()?.text == "from the agent\n")
        #expect(web.exitStatus(within: 2000) == 0)
    }

    @Test("Draining gives 503 to who still waits at the end, and cuts who does not read")
    func drainDeadline() throws {
        let web = try Harness()
        try web.publish("/large", String(repeating: "x", count: 16_000_000))
        let clients = try (0..<5).map { _ in try web.client() }
        for client in clients {
            client.get("/a")
            _ = try web.nextRequest()
        }
        let reader = try web.client()
        reader.get("/large")
        let slow = try web.unixClient()
        slow.send("GET / HTTP/1.1\r\nX")
        try web.send(.drain(milliseconds: 200))
        for client in clients {
            let response = try #require(try client.response())
            #expect(response.status == 503)
            #expect(response.text == "shutting down\n")
        }
        #expect(web.exitStatus(within: 2000) == 0)
    }

    @Test("What the library complains about is told to the agent, not more than a burst of it")
    func logs() throws {
        let web = try Harness()
        for _ in 0..<60 {
            let client = try web.client()
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n")
            _ = try? client.response()
        }
        try web.send(.ping(1))
        var lines = 0
        while true {
            let message = try web.receive()
            if case .log = message { lines += 1 }
            if case .pong(1, _) = message { break }
        }
        #expect(lines <= 25)
    }
}
