// SPDX-License-Identifier: Apache-2.0
import Crypto
import KubeTestServer
import NodeStatus
import Synchronization

@testable import KubeAPI

/// Time that passes by sleeping: each sleep is over at once, and the clocks are that much later.
final class LeapingClock: Sendable {
    private struct State {
        var now = Duration.zero
        /// How far the wall clock is from someDate + now.
        var offset: Int64 = 0
        var sleeps: [Duration] = []
    }

    private let limit: Int
    private let leaps: [Int: Int64]

    private let state: Mutex<State>
    private let started = OneTimeValue<Void>()

    /// - Parameters:
    ///   - limit: So many sleeps; the next one lasts until it is cancelled.
    ///   - leaps: Seconds that the wall clock is set forward after so many sleeps; 0: from the beginning.
    init(limit: Int = 10_000, leaps: [Int: Int64] = [:]) {
        self.limit = limit
        self.leaps = leaps
        state = Mutex(State(offset: leaps[0] ?? 0))
    }

    var sleeps: [Duration] { state.withLock { $0.sleeps } }
    var date: Timestamp {
        state.withLock { Timestamp(seconds: someDate.seconds + $0.offset + $0.now.components.seconds) }
    }

    /// Returns when no further sleep ends.
    func waitForTheLast() async {
        _ = await started.value()
    }

    var kube: KubeClock {
        KubeClock(
            now: { self.state.withLock { $0.now } }, date: { self.date },
            sleep: { duration in
                try Task.checkCancellation()
                let isOver = self.state.withLock { state in
                    guard state.sleeps.count < self.limit else { return false }
                    state.sleeps.append(duration)
                    state.now += duration
                    state.offset += self.leaps[state.sleeps.count] ?? 0
                    return true
                }
                guard !isOver else { return await Task.yield() }
                self.started.complete(())
                try await Task.sleep(for: .seconds(3_600))
            })
    }
}

/// The part of an API server that keeps certificate signing requests, and its signer.
final class SigningServer: Sendable {
    /// What is done with a request when it is looked at for the so-manieth time; the first is its creation.
    typealias Deciding = @Sendable (_ look: Int, _ request: JSONValue) -> JSONValue?

    private struct State {
        var objects: [String: (object: JSONValue, looks: Int)] = [:]
        var log: [String] = []
    }

    private let state = Mutex(State())
    private let deciding: Deciding
    static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

    /// - Parameter deciding: The `status`; nil: it stays as it is.
    init(_ deciding: @escaping Deciding) {
        self.deciding = deciding
    }

    /// `POST`, `GET` and what was answered.
    var log: [String] { state.withLock { $0.log } }
    var names: [String] { state.withLock { $0.objects.keys.sorted() } }

    func put(_ object: JSONValue, as name: String) {
        state.withLock { $0.objects[name] = (object, 0) }
    }

    func delete(_ name: String) {
        state.withLock { $0.objects[name] = nil }
    }

    func answer(_ method: String, _ path: String, _ body: [UInt8]) -> (Int, JSONValue) {
        let (code, answer) = state.withLock { state -> (Int, JSONValue) in
            var name = String(path.split(separator: "/").last ?? "")
            if method == "POST" {
                guard var object = try? JSONValue.parse(body), let asked = object["metadata", "name"]?.text else {
                    return (400, Self.status(400, "BadRequest"))
                }
                if state.objects[asked] != nil { return (409, Self.status(409, "AlreadyExists")) }
                object["metadata", "uid"] = "u"
                object["status"] = [:]
                state.objects[asked] = (object, 0)
                name = asked
            }
            guard var found = state.objects[name] else { return (404, Self.status(404, "NotFound")) }
            found.looks += 1
            if let status = deciding(found.looks, found.object) { found.object["status"] = status }
            state.objects[name] = found
            return (method == "POST" ? 201 : 200, found.object)
        }
        state.withLock { $0.log.append("\(method) \(code)") }
        return (code, answer)
    }

    static func status(_ code: Int64, _ reason: String) -> JSONValue {
        [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "m", "reason": .string(reason),
            "code": .integer(code),
        ]
    }

    static func condition(_ type: String, reason: String = "r", message: String = "m") -> JSONValue {
        [
            "conditions": [
                [
                    "type": .string(type), "status": "True", "reason": .string(reason), "message": .string(message),
                ]
            ]
        ]
    }

    /// Approved and signed.
    static func issued(_ certificate: String) -> JSONValue {
        var status = condition("Approved")
        status["certificate"] = .string(base64(certificate))
        return status
    }

    /// What the authority makes of a request's object.
    static func signed(
        _ request: JSONValue, by authority: TestAuthority, notBefore: Timestamp = TestAuthority.longAgo,
        notAfter: Timestamp = TestAuthority.farOff, usage: TestAuthority.Usage = .client
    ) -> JSONValue? {
        guard let bytes = SigningRequestObject(request).request,
            let certificate = try? authority.sign(
                String(decoding: bytes, as: UTF8.self), notBefore: notBefore, notAfter: notAfter, usage: usage)
        else { return condition("Failed", message: "no request that can be signed") }
        return issued(certificate)
    }

    /// Without TLS and HTTP.
    var standIn: StandIn {
        StandIn { request throws(KubeError) in
            let (code, answer) = self.answer(request.method.rawValue, request.path, request.body ?? [])
            let body = answer.encoded()
            guard code < 300 else {
                throw KubeError(
                    .status, "\(code)", httpStatus: code, method: request.method, status: KubeStatus(body: body))
            }
            return KubeAnswer(status: code, body: body)
        }
    }

    /// With both.
    func reply(_ request: TestRequest) -> TestReply {
        let path = String(request.target.split(separator: "?").first ?? "")
        let (code, answer) = answer(request.method, path, request.body)
        return .http(code, String(decoding: answer.encoded(), as: UTF8.self))
    }
}

extension CertificateRequest {
    static func testing(_ identity: ClientCertificateIdentity = .node("node-a")) throws -> CertificateRequest {
        try CertificateRequest(identity, key: P256.Signing.PrivateKey())
    }
}
