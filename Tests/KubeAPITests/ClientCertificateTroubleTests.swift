// SPDX-License-Identifier: Apache-2.0
import Glibc
import KubeTestServer
import NodeStatus
import Synchronization
import Testing

@testable import KubeAPI

/// Bad days of a node that wants a certificate.
@Suite struct ClientCertificateTroubleTests {
    private let bed: ManagerBed

    init() throws {
        bed = try ManagerBed()
    }

    /// Denied it asks again and again with the same request, slowly, until it is deleted.
    @Test func denied() async throws {
        let clock = LeapingClock(limit: 8)
        let signing = SigningServer { _, _ in SigningServer.condition("Denied", message: "not this one") }
        let server = try await bed.serve(clock, signing)
        let manager = bed.manager(bed.settings(server), clock)
        await bed.run(manager, clock)
        #expect(signing.names.count == 1)
        #expect(manager.view.problem?.contains("was denied (r: not this one)") == true)
        #expect(manager.view.failures == 9)
        #expect(clock.sleeps.map { Int($0 / .seconds(1)) } == [2, 4, 8, 315, 315, 315, 315, 315])
        // It is said once.
        #expect(bed.lines.all.filter { $0.contains("was denied") }.count == 1)
        await server.stop()
    }

    /// What was issued for another key, or for somebody else, is not put in place, and the next try is another request.
    @Test func uselessCertificates() async throws {
        let clock = LeapingClock(limit: 2)
        let stranger = try bed.authority.issue("system:node:node-a", organizations: ["system:nodes"], usage: .client)
        let signing = SigningServer { _, _ in SigningServer.issued(stranger.chain) }
        let server = try await bed.serve(clock, signing)
        let manager = bed.manager(bed.settings(server), clock)
        await bed.run(manager, clock)
        #expect(signing.names.count == 3)
        #expect(manager.view.problem?.contains("is of no use: the certificate is not that of the key") == true)
        #expect(!bed.exists("client-current.pem") && !bed.exists("client-pending.key") && !bed.exists("kubeconfig"))
        await server.stop()
    }

    /// Expired it joins again as the token; without one it tries as what it was, and says so.
    @Test(arguments: [true, false])
    func expired(canBootstrap: Bool) async throws {
        let clock = LeapingClock(limit: 1)
        let server = try await bed.serve(clock)
        await bed.run(bed.manager(bed.settings(server), clock), clock)
        await server.stop()
        let later = LeapingClock(limit: 2, leaps: [0: 75 * ManagerBed.year])
        let bed = bed
        let signing = SigningServer { _, request in bed.signed(request, at: later.date) }
        // TLS goes by the real time, so here it is the server that refuses who has expired.
        let second = try await bed.serve(later, signing) { $0.client == nil ? nil : .http(401, "") }
        let manager = bed.manager(bed.settings(second, bootstrap: canBootstrap), later)
        bed.directory.write("kubeconfig", bed.kubeconfigOfOurs(second))
        await bed.run(manager, later)
        #expect(await manager.connection() != nil)
        #expect(manager.view.issued == (canBootstrap ? 1 : 0))
        #expect(manager.view.expires == (canBootstrap ? ManagerBed.secondEnd : ManagerBed.end))
        #expect(second.requests.count == (canBootstrap ? 1 : 3))
        #expect(second.requests.allSatisfy { ($0.client == nil) == canBootstrap })
        #expect((manager.view.problem == nil) == canBootstrap)
        if !canBootstrap { #expect(manager.view.problem?.contains("401") == true) }
        await second.stop()
    }

    /// The API server is away for an hour.
    @Test func serverIsAway() async throws {
        let clock = LeapingClock(limit: 120)
        let isUp = Mutex(false)
        let server = try await bed.serve(clock) { _ in
            isUp.withLock { $0 } ? nil : .http(503, "starting", type: "text/plain")
        }
        let manager = bed.manager(bed.settings(server), clock)
        await bed.run(manager, clock)
        #expect(manager.view.problem?.contains("503: starting") == true)
        #expect(manager.view.expires == nil)
        #expect(clock.sleeps.reduce(.zero, +) > .seconds(3_600))
        #expect(clock.sleeps.allSatisfy { $0 < .seconds(36) })
        let tries = server.requests.count
        #expect(tries == 121)
        isUp.withLock { $0 = true }
        let later = LeapingClock(limit: 2)
        await bed.run(bed.manager(bed.settings(server), later), later)
        #expect(bed.exists("client-current.pem"))
        // One key for all of it: there is one request.
        #expect(
            Set(
                server.requests.filter { $0.method == "POST" }.map { request in
                    (try? JSONValue.parse(request.body))?["metadata", "name"]?.text
                }
            ).count == 1)
        await server.stop()
    }

    @Test func nobodyToAskAs() async throws {
        let clock = LeapingClock(limit: 2)
        let server = try await bed.serve(clock)
        let manager = bed.manager(bed.settings(server, bootstrap: false), clock)
        await bed.run(manager, clock)
        #expect(manager.view.problem?.contains("no bootstrap kubeconfig to get one with") == true)
        #expect(clock.sleeps == [.seconds(600), .seconds(600)])
        // A file that cannot be used is the better reason.
        bed.directory.write("client-current.pem", "x")
        chmod(bed.directory.path + "/client-current.pem", 0o600)
        let later = LeapingClock(limit: 1)
        let second = bed.manager(bed.settings(server, bootstrap: false), later)
        await bed.run(second, later)
        #expect(second.view.problem?.contains("no certificate in PEM form") == true)
        #expect(server.requests.isEmpty)
        await server.stop()
    }

    /// A kubeconfig of somebody's is neither used nor written over, and no request is made for nothing.
    @Test func kubeconfigOfOthers() async throws {
        let clock = LeapingClock(limit: 2)
        let server = try await bed.serve(clock)
        let theirs = kubeconfig(server: "https://a.test", user: ["token: x"])
        bed.directory.write("kubeconfig", theirs)
        let manager = bed.manager(bed.settings(server), clock)
        await bed.run(manager, clock)
        #expect(manager.view.problem?.contains("client-certificate and client-key must be") == true)
        #expect(server.requests.isEmpty)
        #expect(try CredentialFile.read(bed.directory.path + "/kubeconfig") == Array(theirs.utf8))
        await server.stop()
    }

    @Test func noBootstrapFile() async throws {
        let clock = LeapingClock(limit: 1)
        let server = try await bed.serve(clock)
        let settings = bed.settings(server)
        unlink(bed.directory.path + "/bootstrap")
        let manager = bed.manager(settings, clock)
        await bed.run(manager, clock)
        #expect(manager.view.problem == "\(bed.directory.path)/bootstrap: cannot be read: No such file or directory")
        await server.stop()
    }

    /// A directory that cannot be written: no request is made whose key would be lost.
    @Test func diskRefuses() async throws {
        let clock = LeapingClock(limit: 2)
        let server = try await bed.serve(clock)
        var settings = bed.settings(server)
        settings.directory = bed.directory.path + "/no/such"
        let manager = bed.manager(settings, clock)
        await bed.run(manager, clock)
        #expect(manager.view.problem?.contains("cannot make the directory") == true)
        #expect(server.requests.isEmpty)
        await server.stop()
    }
}
