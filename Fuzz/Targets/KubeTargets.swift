// SPDX-License-Identifier: Apache-2.0
import Configuration
import NodeStatus

@testable import Access
@testable import KubeAPI

extension FuzzTarget {
    /// A kubeconfig.
    static let kubeconfig = FuzzTarget(name: "kubeconfig", maximumLength: 4_096) { bytes in
        if let connection = checkKubeconfig(bytes).connection {
            check(!connection.server.host.isEmpty && (1...65_535).contains(connection.server.port), "a server")
            check(connection.server.authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a server's address")
            let again = try? ServerAddress(connection.server.description)
            check(again == connection.server, "\(connection.server) is an address")
            if let name = connection.tlsServerName { check(DNSName.isValid(name), "a name for TLS") }
            check(!"\(connection)".utf8.contains("nkcanary".utf8), "a connection shows no secret")
        }
        let secret = Canary.put(into: bytes, behind: ["token: ", "password: ", "client-key-data: "])
        guard let root = try? YAML.parse(secret), isSecretOnly(root, mayHold: false) else { return }
        for message in checkKubeconfig(secret).messages { Canary.check(message) }
    }

    private static func checkKubeconfig(_ bytes: [UInt8]) -> (connection: KubeConnection?, messages: [String]) {
        var messages: [String] = []
        var connection: KubeConnection?
        do throws(KubeconfigProblem) {
            connection = try Kubeconfig.parse(bytes, path: "/etc/nodekeep/kubeconfig")
            messages = connection?.warnings ?? []
        } catch {
            messages = [error.description]
        }
        for message in messages { checkLine(message) }
        return (connection, messages)
    }

    /// The canary is nowhere but where a secret belongs.
    private static func isSecretOnly(_ node: YAMLNode, mayHold: Bool) -> Bool {
        let holds = { (text: String) in text.utf8.contains(Canary.bytes) }
        switch node.content {
        case .scalar(let scalar): return mayHold || !holds(scalar.text)
        case .sequence(let items): return items.allSatisfy { isSecretOnly($0, mayHold: false) }
        case .mapping(let entries):
            return entries.allSatisfy { entry in
                !holds(entry.key)
                    && isSecretOnly(entry.value, mayHold: ["token", "password", "client-key-data"].contains(entry.key))
            }
        }
    }

    /// What an API server answers: to a TokenReview, to a SubjectAccessReview, and with an error.
    static let kubeAnswer = FuzzTarget(name: "kube-answer", maximumLength: 4_096) { bytes in
        if let status = KubeStatus(body: bytes) {
            checkLine(status.message, limit: 8_192)
            checkLine(status.reason, limit: 1_024)
            for cause in status.causes { for text in [cause.reason, cause.message, cause.field] { checkLine(text) } }
            check(status.causes.count <= 8, "an error is short")
        }
        let retry = RetryPolicy(sleep: { _ in }, random: { 0 })
        let identity = Identity(name: "alice", groups: ["ops"], method: .x509)
        for isError in [false, true] {
            let server = FixedAnswer(body: bytes, isError: isError)
            let verdict = waiting { () async -> Result<TokenVerdict, WebhookFailure> in
                do throws(WebhookFailure) {
                    return .success(try await TokenReviewer(server, retry: retry).review(token: Canary.text + "0123"))
                } catch {
                    return .failure(error)
                }
            }
            switch verdict {
            case .success(let verdict):
                check(!isError, "an error is no verdict")
                if let user = verdict.user { checkUser(user) }
            case .failure(let failure):
                checkLine(failure.message)
                Canary.check(failure.message)
            }
            let reviewer = SubjectAccessReviewer(server, nodeName: "node-a", retry: retry)
            let access = waiting { () async -> AccessVerdict? in
                try? await reviewer.review(identity, verb: "get", subresource: "stats")
            }
            guard let access else { continue }
            check(!isError, "an error is no verdict")
            switch access {
            case .allowed(let reason):
                check(bytes.contains("allowed".utf8) || bytes.contains(0x5c), "nobody is allowed by chance")
                checkLine(reason, limit: 16_384)
            case .denied(let reason): checkLine(reason, limit: 32_768)
            }
        }
    }

    private static func checkUser(_ user: Identity) {
        check(!user.name.isEmpty && user.method == .webhook, "somebody it is")
        check(user.groups.count <= ReviewedUser.maximumGroups, "not in too many groups")
        let texts = [user.name, user.uid ?? ""] + user.groups + user.extra.flatMap { [$0.key] + $0.value }
        for text in texts { checkLine(text, limit: ReviewedUser.nameLimit) }
        check(texts.reduce(0) { $0 + $1.utf8.count } <= ReviewedUser.totalLimit, "not too much of it")
    }
}

/// An API server that says the same to everybody.
private struct FixedAnswer: KubeCalling {
    let body: [UInt8]
    let isError: Bool

    func send(_ request: KubeRequest) async throws(KubeError) -> KubeAnswer {
        guard isError else { return KubeAnswer(status: 200, body: body) }
        let status = KubeStatus(body: body)
        throw KubeError(.status, "POST: 500: \(status?.message ?? "")", httpStatus: 500, status: status)
    }
}
