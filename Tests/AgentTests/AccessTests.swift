// SPDX-License-Identifier: Apache-2.0
import API
import Access
import Configuration
import Gate
import Glibc
import Logging
import NodeStatus
import Synchronization
import Testing

@testable import Agent

@Suite("The gatekeeper")
struct GatekeeperTests {
    private func verdict(
        _ listener: ListenerKind, _ peer: Peer, method: String = "POST",
        _ gatekeeper: Gatekeeper = Gatekeeper(nil, ownUser: 77)
    ) -> Verdict? {
        let request = GateRequest(
            id: 1, listener: listener, peer: peer, method: method, path: "/checkpoint/a/b/c", query: nil, headers: [])
        return gatekeeper.immediateVerdict(
            request, AccessRoute.attributes(request), now: .seconds(1), date: Timestamp(seconds: 1_795_000_000))
    }

    private let client = Peer.tcp(address: "10.0.0.1", port: 7)

    @Test("The local listener asks nobody, root and the agent's own user may everything, others nothing")
    func withoutAuthenticator() {
        #expect(verdict(.local, client) == .allowed(nil, by: "the local listener", until: nil))
        #expect(
            verdict(.socket, .unix(processID: 1, userID: 0, groupID: 0))
                == .allowed(.localRoot, by: "root on this node", until: nil))
        #expect(
            verdict(.socket, .unix(processID: 1, userID: 77, groupID: 5))
                == .allowed(.localUser(77, group: 5), by: "the agent's own user", until: nil))
        guard case .refused(.forbidden(let identity, _)) = verdict(.socket, .unix(processID: 1, userID: 78, groupID: 5))
        else { return #expect(Bool(false)) }
        #expect(identity.name == "uid:78")
        #expect(
            verdict(.main, client) == .refused(.unauthenticated(reason: "no authenticator is configured")))
    }

    @Test("A peer that its listener cannot have is nobody, whatever it says")
    func impossiblePeers() {
        for verdict in [
            verdict(.main, .unix(processID: 1, userID: 0, groupID: 0)), verdict(.socket, client),
        ] {
            guard case .refused(.unauthenticated) = verdict else {
                #expect(Bool(false))
                continue
            }
        }
    }

    @Test("With anonymous and rules, what the rules say; the same request gets the same answer without waiting")
    func anonymousWithPolicy() async throws {
        let policy = try TemporaryFile(
            """
            apiVersion: nodekeep/v1
            kind: Policy
            rules:
              - name: nobody
                subjects: {groups: ["system:unauthenticated"]}
                verbs: [create]
                endpoints: [checkpoint]
                namespaces: [a]
            """)
        let control = try AccessControl(
            AccessConfiguration(allowsAnonymous: true, mode: .policy, policyFile: policy.path),
            date: Timestamp(seconds: 1_795_000_000))
        let gatekeeper = Gatekeeper(control)
        guard case .allowed(let identity?, let rule, _) = verdict(.main, client, gatekeeper) else {
            return #expect(Bool(false))
        }
        #expect(identity.name == "system:anonymous")
        #expect(rule.contains("nobody"))
        guard case .refused(.forbidden) = verdict(.main, client, method: "GET", gatekeeper) else {
            return #expect(Bool(false))
        }
    }
}

@Suite("The audit log")
struct AuditLogTests {
    private let request = GateRequest(
        id: 1, listener: .main, peer: .tcp(address: "10.0.0.1", port: 7), method: "POST", path: "/checkpoint/a/b/c",
        query: nil, headers: [HeaderField("authorization", "Bearer secret"), HeaderField("user-agent", "curl")])

    @Test("A refusal says who, what and why, and never a credential")
    func refusal() {
        let lines = Lines()
        let audit = AuditLog(lines.logger)
        audit.refused(
            request, AccessRoute.attributes(request),
            .forbidden(Identity(name: "eve", method: .x509), reason: "no rule"),
            now: .seconds(1))
        let (text, metadata) = lines.all[0]
        #expect(text.contains("a/b/c") && text.contains("eve") && text.contains("403") && text.contains("no rule"))
        #expect(metadata["user"] == "eve" && metadata["authenticated_by"] == "x509")
        #expect(metadata["from"] == "10.0.0.1 port 7" && metadata["decision"] == "forbidden")
        #expect(metadata["namespace"] == "a" && metadata["user_agent"] == "curl")
        #expect(!"\(lines.all)".contains("secret"))
    }

    @Test("A flood is counted, not written down")
    func flood() {
        let lines = Lines()
        let audit = AuditLog(lines.logger)
        let attributes = AccessRoute.attributes(request)
        for _ in 0..<500 {
            audit.refused(request, attributes, .unauthenticated(reason: "no credential"), now: .seconds(100))
        }
        #expect(lines.all.count == 50)
        audit.refused(request, attributes, .unauthenticated(reason: "no credential"), now: .seconds(101))
        #expect(lines.all.count == 51)
        #expect(lines.all[50].1["unrecorded"] == "450")
        audit.refused(request, attributes, .unauthenticated(reason: "no credential"), now: .seconds(101))
        #expect(lines.all[51].1["unrecorded"] == nil)
    }

    private func call(dryRun: Bool = false) -> CheckpointCall {
        CheckpointCall(
            namespace: "a", pod: "b", container: "c", timeout: nil, isDryRun: dryRun, name: nil, peer: request.peer,
            userAgent: nil, identity: Identity(name: "eve", method: .x509), allowedBy: "a rule")
    }

    @Test("Who asks for what is not there is counted too; what a dump was begun for always has its record")
    func fruitless() {
        let lines = Lines()
        let audit = AuditLog(lines.logger)
        let missing = CheckpointAnswer.failed(call(), status: 404, "no such pod")
        for _ in 0..<500 { audit.answered(call(), request, missing, after: .zero, now: .seconds(100)) }
        #expect(lines.all.count == 50)
        #expect(lines.all.allSatisfy { $0.1["event"] == "checkpoint-refused" })
        for number in 0..<60 {
            let taken = CheckpointAnswer.published(path: "/archive", job: "\(number)")
            audit.answered(call(), request, taken, after: .zero, now: .seconds(100))
        }
        #expect(lines.all.count == 110)
        #expect(lines.all[109].1["event"] == "checkpoint-answered" && lines.all[109].1["job"] == "59")
        // One does not hide the other.
        audit.refused(
            request, AccessRoute.attributes(request), .unauthenticated(reason: "no credential"), now: .seconds(100))
        #expect(lines.all.count == 111 && lines.all[110].1["event"] == "request-refused")
        audit.answered(call(), request, missing, after: .zero, now: .seconds(101))
        #expect(lines.all[111].1["unrecorded"] == "450")
    }
}

@Suite("TLS settings")
struct TLSPriorityTests {
    @Test("As GnuTLS names them")
    func text() {
        var settings = TLSSettings()
        #expect(TLSPriorities.text(settings).contains("+VERS-TLS1.2"))
        settings.cipherSuites = ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
        let narrow = TLSPriorities.text(settings)
        #expect(narrow.contains("+ECDHE-RSA") && !narrow.contains("ECDHE-ECDSA"))
        #expect(narrow.contains("+AES-256-GCM") && !narrow.contains("AES-128") && !narrow.contains("CHACHA"))
        settings.minVersion = .tls13
        #expect(!TLSPriorities.text(settings).contains("TLS1.2"))
    }
}

/// What was logged.
private final class Lines: Sendable {
    private let lines = Mutex<[(String, [String: String])]>([])

    var all: [(String, [String: String])] { lines.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).mapValues { "\($0)" }
            lines.lines.withLock { $0.append(("\(event.message)", fields)) }
        }
    }
}

/// A file of one test's own.
private final class TemporaryFile: Sendable {
    let path: String

    init(_ text: String) throws {
        var template = Array("/tmp/nodekeep-access.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
        close(descriptor)
    }

    deinit { unlink(path) }
}
