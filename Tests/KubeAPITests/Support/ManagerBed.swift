// SPDX-License-Identifier: Apache-2.0
import Glibc
import KubeTestServer
import Logging
import NodeStatus

@testable import KubeAPI

/// A node that wants a certificate: its directory, and a server that takes the token or a certificate of the authority.
struct ManagerBed {
    static let token = "abcdef.0123456789abcdef"
    /// The server's TLS goes by the real time, whatever time the test has.
    static let begin = TestAuthority.longAgo
    static let end = TestAuthority.farOff
    static let secondEnd = Timestamp(seconds: end.seconds + 80 * year)
    static let year: Int64 = 31_556_952

    let authority: TestAuthority
    private let serving: TestCertificate
    let directory = Directory()
    let lines = LogLines()

    init() throws {
        authority = try TestAuthority()
        serving = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
    }

    /// - Parameters:
    ///   - signing: Nil: one that signs at the second look; what it signs after the end of the first certificate, or close
    ///     to it, is good for longer.
    ///   - refuse: An answer in place of the usual one.
    func serve(
        _ clock: LeapingClock, _ signing: SigningServer? = nil,
        refuse: @escaping @Sendable (TestRequest) -> TestReply? = { _ in nil }
    ) async throws -> KubeTestServer {
        let signing = signing ?? SigningServer { look, request in look < 2 ? nil : signed(request, at: clock.date) }
        return try await KubeTestServer(serving, clientAuthority: authority.certificate, isClientOptional: true) {
            request in
            if let reply = refuse(request) { return reply }
            guard request.client == "system:node:node-a" || request.headers["authorization"] == "Bearer \(Self.token)"
            else {
                return .http(401, String(decoding: SigningServer.status(401, "Unauthorized").encoded(), as: UTF8.self))
            }
            return request.target.hasPrefix(SigningServer.path) ? signing.reply(request) : .http(200, "{}")
        }
    }

    func signed(_ request: JSONValue, at date: Timestamp) -> JSONValue? {
        let isLate = date.seconds > Self.end.seconds - 20 * Self.year
        return SigningServer.signed(
            request, by: authority, notBefore: Self.begin, notAfter: isLate ? Self.secondEnd : Self.end)
    }

    func settings(_ server: KubeTestServer, bootstrap: Bool = true) -> ClientCertificateManager.Settings {
        directory.write(
            "bootstrap",
            kubeconfig(
                server: "https://127.0.0.1:\(server.port)",
                cluster: ["certificate-authority-data: \(base64(authority.certificate))"],
                user: ["token: \(Self.token)"]))
        return ClientCertificateManager.Settings(
            identity: .node("node-a"), directory: directory.path, kubeconfig: directory.path + "/kubeconfig",
            bootstrapKubeconfig: bootstrap ? directory.path + "/bootstrap" : nil,
            client: KubeClient.Options(version: "1.2.3"))
    }

    func manager(
        _ settings: ClientCertificateManager.Settings, _ clock: LeapingClock,
        renewed: @escaping @Sendable () async -> Void = {}
    ) -> ClientCertificateManager {
        ClientCertificateManager(
            settings, logger: lines.logger, clock: clock.kube, callClock: .system, random: { 0.5 },
            eventLoops: KubeClient.defaultEventLoops, renewed: renewed)
    }

    /// Runs until the clock stands still.
    func run(_ manager: ClientCertificateManager, _ clock: LeapingClock) async {
        let task = Task { await manager.run() }
        await clock.waitForTheLast()
        task.cancel()
        await task.value
    }

    func exists(_ name: String) -> Bool { access("\(directory.path)/\(name)", F_OK) == 0 }

    func kubeconfigOfOurs(_ server: KubeTestServer) -> String {
        kubeconfig(
            server: "https://127.0.0.1:\(server.port)",
            cluster: ["certificate-authority-data: \(base64(authority.certificate))"],
            user: ["client-certificate: client-current.pem", "client-key: client-current.pem"])
    }
}
