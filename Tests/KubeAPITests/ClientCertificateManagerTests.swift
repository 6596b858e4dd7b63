// SPDX-License-Identifier: Apache-2.0
import Glibc
import KubeTestServer
import NodeStatus
import Synchronization
import Testing

@testable import KubeAPI

/// From a bootstrap token to a certificate that is renewed, over TLS.
@Suite struct ClientCertificateManagerTests {
    private let bed: ManagerBed

    init() throws {
        bed = try ManagerBed()
    }

    @Test func fromTokenToRenewal() async throws {
        // The third look at the files is close to the end of the certificate.
        let clock = LeapingClock(limit: 6, leaps: [2: 60 * ManagerBed.year])
        let server = try await bed.serve(clock)
        let notices = Counter()
        let manager = bed.manager(bed.settings(server), clock) { notices.next() }
        #expect(manager.view == ClientCertificateView())
        let waiting = Task { await manager.connection() }
        await bed.run(manager, clock)
        let connection = try #require(await waiting.value)
        #expect(connection.server.port == server.port)
        #expect(connection.token == nil)
        #expect(clock.sleeps.map { ($0 / .seconds(1)).rounded() } == [1, 600, 1, 600, 600, 600])
        // The first as the token, the second as the node.
        let posts = server.requests.filter { $0.method == "POST" }
        #expect(posts.map(\.client) == [nil, "system:node:node-a"])
        #expect(posts.map { $0.headers["authorization"] } == ["Bearer \(ManagerBed.token)", nil])
        #expect(Set(posts.map(\.text)).count == 2)
        let view = manager.view
        #expect(view.issued == 2)
        #expect(view.failures == 0)
        #expect(view.problem == nil && view.awaits == nil)
        #expect(notices.value == 2)
        #expect(view.expires == ManagerBed.secondEnd)
        let life = ManagerBed.secondEnd.seconds - ManagerBed.begin.seconds
        #expect(view.renewal == Timestamp(seconds: ManagerBed.begin.seconds + life / 5 * 4))
        #expect(!bed.exists("client-pending.key"))
        // It is the file that clients use.
        let client = try KubeClient.testing(connection)
        #expect(client.clientCertificateExpires == view.expires)
        #expect(try await client.get("/x").status == 200)
        #expect(server.requests.last?.client == "system:node:node-a")
        let words = "the cluster issued a client certificate for system:node:node-a, good until 2"
        #expect(bed.lines.all.filter { $0.contains(words) }.count == 2)
        #expect(!bed.lines.all.contains { $0.contains(ManagerBed.token) || $0.contains("PRIVATE") })
        await client.shutdown()
        await server.stop()
    }

    /// What was there before needs no bootstrap kubeconfig, and is followed when somebody replaces it.
    @Test func goesOnWithWhatIsThere() async throws {
        let clock = LeapingClock(limit: 3)
        let server = try await bed.serve(clock)
        await bed.run(bed.manager(bed.settings(server), clock), clock)
        #expect(server.requests.filter { $0.method == "POST" }.count == 1)
        let later = LeapingClock(limit: 3)
        let manager = bed.manager(bed.settings(server, bootstrap: false), later)
        await bed.run(manager, later)
        #expect(await manager.connection() != nil)
        #expect(server.requests.filter { $0.method == "POST" }.count == 1)
        #expect(manager.view.expires != nil && manager.view.issued == 0 && manager.view.problem == nil)
        #expect(later.sleeps == [.seconds(600), .seconds(600), .seconds(600)])
        await server.stop()
    }

    /// A crash between the two files.
    @Test func kubeconfigIsWrittenLater() async throws {
        let clock = LeapingClock(limit: 3)
        let server = try await bed.serve(clock)
        await bed.run(bed.manager(bed.settings(server), clock), clock)
        unlink(bed.directory.path + "/kubeconfig")
        let later = LeapingClock(limit: 1)
        let second = bed.manager(bed.settings(server), later)
        await bed.run(second, later)
        #expect(await second.connection() != nil)
        #expect(server.requests.filter { $0.method == "POST" }.count == 1)
        #expect(bed.exists("kubeconfig"))
        await server.stop()
    }

    /// Started again in the middle of it, it finds the request that it made.
    @Test func startedAgainWhileItWaits() async throws {
        let isApproved = Mutex(false)
        let clock = LeapingClock(limit: 5)
        let bed = bed
        let signing = SigningServer { _, request in
            isApproved.withLock { $0 } ? bed.signed(request, at: someDate) : nil
        }
        let server = try await bed.serve(clock, signing)
        let first = bed.manager(bed.settings(server), clock)
        let task = Task { await first.run() }
        await clock.waitForTheLast()
        let name = try #require(signing.names.first)
        #expect(first.view.awaits == name)
        #expect(first.view.expires == nil)
        #expect(
            bed.lines.all.contains { $0.contains("waiting until the certificate signing request \(name) is approved") })
        task.cancel()
        await task.value
        #expect(bed.exists("client-pending.key"))
        isApproved.withLock { $0 = true }
        let later = LeapingClock(limit: 1)
        let second = bed.manager(bed.settings(server), later)
        await bed.run(second, later)
        #expect(second.view.issued == 1)
        #expect(signing.names == [name])
        #expect(signing.log.suffix(2) == ["POST 409", "GET 200"])
        await server.stop()
    }
}
