// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Access
internal import Checkpoint
internal import Gate
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// Who asked for what, by what right, and what came of it: a record in the journal for every attempt at a checkpoint,
/// and for whoever was turned away elsewhere. Never a credential.
final class AuditLog: Sendable {
    /// Those who are turned away could fill the journal, and so could those who may ask and ask for what is not there:
    /// so many records a second, the others are counted. Each has its own, so that nobody hides behind the others.
    private struct Allowances {
        var refused = LogAllowance(burst: 50, perSecond: 10)
        var fruitless = LogAllowance(burst: 50, perSecond: 10)
    }

    private let logger: Logger
    private let allowances = Mutex(Allowances())
    private let counts = Mutex<[String: UInt64]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Requests by decision since the agent started: `allowed`, `unauthenticated`, `forbidden`, `undecided`, `busy`.
    var decisions: [String: UInt64] { counts.withLock { $0 } }

    func count(_ verdict: Verdict) {
        let word = Self.word(verdict)
        counts.withLock { $0[word, default: 0] += 1 }
    }

    /// Somebody was turned away.
    func refused(_ request: GateRequest, _ attributes: AccessAttributes, _ refusal: AccessRefusal, now: Duration) {
        guard let unrecorded = allowances.withLock({ $0.refused.record(now) }) else { return }
        var metadata = Self.metadata(request, attributes, refusal.identity)
        metadata["decision"] = "\(Self.word(.refused(refusal)))"
        metadata["reason"] = "\(refusal.reason)"
        metadata["http_status"] = "\(refusal.status)"
        if unrecorded > 0 { metadata["unrecorded"] = "\(unrecorded)" }
        let more = Self.more(unrecorded)
        logger.notice(
            "audit: \(Self.subject(request, attributes)) \(Self.who(refusal.identity, request)) is refused with \(refusal.status): \(refusal.reason)\(more)",
            metadata: .of(.requestRefused, metadata))
    }

    /// A checkpoint call was answered. One that a dump was begun for always leaves a record.
    func answered(
        _ call: CheckpointCall, _ request: GateRequest, _ answer: CheckpointAnswer, after duration: Duration,
        now: Duration = Time.monotonic()
    ) {
        var metadata: Logger.Metadata = [:]
        metadata["duration_ms"] = "\(Int64((duration.inSeconds * 1_000).rounded()))"
        metadata["dry_run"] = call.isDryRun ? "true" : nil
        metadata["request"] = call.name.map { "\($0)" }
        metadata["job"] = answer.job.map { "\($0)" }
        metadata["outcome"] = answer.ending.map { "\($0.outcome)" }
        metadata["archive"] = answer.ending?.archive.map { "\($0)" }
        metadata["sha256"] = answer.ending?.sha256.map { "\($0)" }
        metadata["size"] = answer.ending?.size.map { "\($0)" }
        let isFruitful = answer.job != nil && answer.ending?.outcome != JobOutcome.dropped.rawValue
        answered(
            request, call.identity, by: call.allowedBy, answer.status, metadata, isFruitful: isFruitful, now: now)
    }

    /// A request about checkpoints that no job came of, because of what it asked for.
    func answered(
        _ request: GateRequest, _ identity: Identity, by rule: String, _ status: UInt16,
        now: Duration = Time.monotonic()
    ) {
        answered(request, identity, by: rule, status, [:], isFruitful: false, now: now)
    }

    private func answered(
        _ request: GateRequest, _ identity: Identity, by rule: String, _ status: UInt16, _ about: Logger.Metadata,
        isFruitful: Bool, now: Duration
    ) {
        var unrecorded: UInt64 = 0
        if !isFruitful {
            guard let count = allowances.withLock({ $0.fruitless.record(now) }) else { return }
            unrecorded = count
        }
        let attributes = AccessRoute.attributes(request)
        var metadata = Self.metadata(request, attributes, identity)
        metadata["decision"] = "allowed"
        metadata["reason"] = "\(rule)"
        metadata["http_status"] = "\(status)"
        metadata.merge(about) { $1 }
        if unrecorded > 0 { metadata["unrecorded"] = "\(unrecorded)" }
        logger.notice(
            "audit: \(Self.subject(request, attributes)) \(Self.who(identity, request)), allowed by \(rule), is answered with \(status)\(Self.more(unrecorded))",
            metadata: .of(isFruitful || status < 400 ? .checkpointAnswered : .checkpointRefused, metadata))
    }

    // MARK: - Words

    private static func more(_ unrecorded: UInt64) -> String {
        unrecorded > 0 ? " (and \(unrecorded) more since the last record)" : ""
    }

    private static func subject(_ request: GateRequest, _ attributes: AccessAttributes) -> String {
        if let target = attributes.checkpoint {
            let name = [target.namespace, target.pod, target.container].map(shortened).joined(separator: "/")
            return "\(request.method) checkpoint of \(name)"
        }
        return "\(request.method) \(shortened(request.path))"
    }

    private static func who(_ identity: Identity?, _ request: GateRequest) -> String {
        "for \(identity?.name ?? "nobody known") from \(from(request.peer))"
    }

    static func from(_ peer: Peer) -> String {
        switch peer {
        case .unix(let processID, _, _): "pid \(processID)"
        case .tcp(let address, let port): "\(address) port \(port)"
        }
    }

    private static func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .allowed: "allowed"
        case .refused(.unauthenticated): "unauthenticated"
        case .refused(.forbidden): "forbidden"
        case .refused(.undecided): "undecided"
        case .refused(.busy): "busy"
        }
    }

    /// What a client has sent is shown, but not all of it.
    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 256 ? text : String(decoding: text.utf8.prefix(256), as: UTF8.self) + "…"
    }

    private static func metadata(
        _ request: GateRequest, _ attributes: AccessAttributes, _ identity: Identity?
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "audit": "\(attributes.subresources.first ?? "")", "verb": "\(attributes.verb)",
            "path": "\(shortened(request.path))", "from": "\(from(request.peer))", "listener": "\(request.listener)",
        ]
        if let target = attributes.checkpoint {
            metadata["namespace"] = "\(shortened(target.namespace))"
            metadata["pod"] = "\(shortened(target.pod))"
            metadata["container"] = "\(shortened(target.container))"
        }
        if let identity {
            metadata["user"] = "\(identity.name)"
            metadata["groups"] = "\(identity.groups.joined(separator: ","))"
            metadata["authenticated_by"] = "\(identity.method.rawValue)"
        }
        metadata["user_agent"] = request.headers.first { $0.name == "user-agent" }.map { "\(shortened($0.value))" }
        return metadata
    }
}
