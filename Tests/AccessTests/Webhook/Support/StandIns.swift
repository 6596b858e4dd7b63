// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import Logging
import NodeStatus
import Synchronization

@testable import Access

/// Answers each review with what the test says, and counts.
final class StandIn<Verdict: Sendable>: Sendable {
    private let answers: Mutex<[Result<Verdict, WebhookFailure>]>
    private let seen = Mutex<[String]>([])
    /// Each call waits for it; nil: none does.
    private let held: OneTimeValue<Void>?
    /// Waits even when it is cancelled.
    private let isDeaf: Bool

    /// The last answer is given from then on.
    init(_ answers: [Result<Verdict, WebhookFailure>], held: OneTimeValue<Void>? = nil, isDeaf: Bool = false) {
        self.answers = Mutex(answers)
        self.held = held
        self.isDeaf = isDeaf
    }

    var calls: [String] { seen.withLock { $0 } }

    func answer(_ asked: String) async throws(WebhookFailure) -> Verdict {
        seen.withLock { $0.append(asked) }
        if let held {
            if isDeaf {
                await Task.detached { _ = await held.value() }.value
            } else {
                _ = await held.value()
            }
        }
        let answer = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first }
        guard let answer else { throw WebhookFailure(message: "nothing left to say") }
        return try answer.get()
    }
}

extension StandIn: TokenReviewing where Verdict == TokenVerdict {
    func review(token: String) async throws(WebhookFailure) -> TokenVerdict { try await answer(token) }
}

extension StandIn: AccessReviewing where Verdict == AccessVerdict {
    func review(_ identity: Identity, verb: String, subresource: String) async throws(WebhookFailure) -> AccessVerdict {
        try await answer("\(identity.name) \(verb) \(subresource)")
    }
}

extension KubeClock {
    static func manual(_ clock: ManualClock) -> KubeClock {
        KubeClock(
            now: { clock.now }, date: { Timestamp(seconds: 1_795_222_213) }, sleep: { try await clock.sleep($0) })
    }
}

let alice = Identity(
    name: "alice", uid: "u-1", groups: ["ops", "system:authenticated"], extra: ["k": ["v", "w"]], method: .webhook)

func failure<Value>(_ call: () async throws(WebhookFailure) -> Value) async -> String? {
    do throws(WebhookFailure) {
        _ = try await call()
        return nil
    } catch {
        return error.message
    }
}

/// An API server with a certificate and a client of it.
struct ReviewBed {
    let server: KubeTestServer
    let client: KubeClient

    init(_ answer: @escaping KubeTestServer.Answering) async throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
        server = try await KubeTestServer(certificate, answer)
        let text = """
            {"kind":"Config","apiVersion":"v1","current-context":"x",
             "clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:\(server.port)",
                                                "insecure-skip-tls-verify":true}}],
             "contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],
             "users":[{"name":"u","user":{"token":"nodekeeps-own-token"}}]}
            """
        let connection = try Kubeconfig.parse(Array(text.utf8), path: "/etc/nodekeep/kubeconfig")
        client = try KubeClient(
            connection, KubeClient.Options(version: "1.2.3"),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func stop() async {
        await client.shutdown()
        await server.stop()
    }
}

extension RetryPolicy {
    /// Tries as often, without the pauses.
    static let hasty = RetryPolicy(sleep: { _ in }, random: { 0 })
}
