// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import NodeStatus
import Synchronization
import Testing

@testable import KubeAPI

@Suite struct CertificateIssuerTests {
    private let authority: TestAuthority
    private let clock = LeapingClock()
    private let told = Counter()

    init() throws {
        authority = try TestAuthority()
    }

    private func issue(
        _ caller: any KubeCalling, _ request: CertificateRequest, patience: Duration = .seconds(900),
        random: Double = 0
    ) async -> Result<[UInt8], CertificateFailure> {
        let issuer = CertificateIssuer(caller: caller, clock: clock.kube, random: { random }, patience: patience) {
            #expect($0 == request.name)
            told.next()
        }
        do throws(CertificateFailure) {
            return .success(try await issuer.issue(request))
        } catch {
            return .failure(error)
        }
    }

    /// Approved and signed at the so-manieth look.
    private func server(issuingAt look: Int) -> SigningServer {
        let authority = authority
        return SigningServer { count, request in
            count >= look ? SigningServer.signed(request, by: authority) : nil
        }
    }

    @Test func asksAsAKubeletDoes() async throws {
        let request = try CertificateRequest.testing(.node("node-a", expirationSeconds: 3_600))
        let server = server(issuingAt: 2)
        let caller = server.standIn
        let chain = try await issue(caller, request).get()
        _ = try request.pair(with: chain, date: someDate)
        #expect(caller.calls == ["POST \(SigningServer.path)", "GET \(SigningServer.path)/\(request.name)"])
        let sent = try JSONValue.parse(try #require(caller.requests.first?.body))
        #expect(
            sent == [
                "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": ["name": .string(request.name)],
                "spec": [
                    "request": .string(Base64.encode(request.pem)), "expirationSeconds": 3_600,
                    "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                    "usages": ["digital signature", "client auth"],
                ],
            ])
        #expect(caller.requests.allSatisfy { $0.timeout == .seconds(30) })
        #expect(told.value == 1)
    }

    /// Nobody is told of waiting where there is none.
    @Test func issuedAtOnce() async throws {
        let request = try CertificateRequest.testing()
        _ = try await issue(server(issuingAt: 1).standIn, request).get()
        #expect(clock.sleeps.isEmpty)
        #expect(told.value == 0)
    }

    @Test(arguments: [0.0, 1.0])
    func looksLessAndLessOften(random: Double) async throws {
        let request = try CertificateRequest.testing()
        _ = try await issue(server(issuingAt: 13).standIn, request, random: random).get()
        let expected = [1, 1.5, 2.25, 3.375, 5.062, 7.594, 11.391, 17.086, 25.629, 30, 30, 30]
        #expect(clock.sleeps.count == expected.count)
        for (pause, expected) in zip(clock.sleeps, expected) {
            #expect(abs(pause / .seconds(1) - expected * (1 + 0.2 * random)) < 0.01)
        }
        #expect(told.value == 1)
    }

    /// The answer to an earlier try never came; the object is there.
    @Test func findsItsOwnAgain() async throws {
        let request = try CertificateRequest.testing()
        let server = server(issuingAt: 2)
        _ = server.answer("POST", SigningServer.path, SigningRequestObject(for: request).object.encoded())
        _ = try await issue(server.standIn, request).get()
        #expect(server.log == ["POST 201", "POST 409", "GET 200"])
        #expect(server.names == [request.name])
    }

    @Test func refusesWhatIsNotItsOwn() async throws {
        let request = try CertificateRequest.testing()
        let stranger = try CertificateRequest.testing()
        var otherSigner = SigningRequestObject(for: request).object
        otherSigner["spec", "signerName"] = "kubernetes.io/kube-apiserver-client"
        var otherKey = SigningRequestObject(for: stranger).object
        otherKey["metadata", "name"] = .string(request.name)
        var noRequest = otherKey
        noRequest["spec", "request"] = nil
        for object in [otherSigner, otherKey, noRequest] {
            let server = server(issuingAt: 1)
            server.put(object, as: request.name)
            let result = await issue(server.standIn, request)
            #expect(result == .failure(.foreign(request: request.name)))
        }
        // It was ours, and somebody made it again.
        let server = SigningServer { _, _ in nil }
        let other = otherKey
        let caller = StandIn { call throws(KubeError) in
            if call.method == .get { server.put(other, as: request.name) }
            let (code, answer) = server.answer(call.method.rawValue, call.path, call.body ?? [])
            return KubeAnswer(status: code, body: answer.encoded())
        }
        #expect(await issue(caller, request) == .failure(.foreign(request: request.name)))
    }

    @Test func deniedAndFailed() async throws {
        let request = try CertificateRequest.testing()
        let denied = SigningServer { look, _ in
            look == 3 ? SigningServer.condition("Denied", reason: "Policy", message: "unknown\nnode") : nil
        }
        #expect(
            await issue(denied.standIn, request)
                == .failure(.denied(request: request.name, words: "Policy: unknown node")))
        #expect(denied.log == ["POST 201", "GET 200", "GET 200"])
        let failed = SigningServer { look, _ in SigningServer.condition("Failed") }
        #expect(await issue(failed.standIn, request) == .failure(.failed(request: request.name, words: "r: m")))
        let broken = SigningServer { look, _ in
            var status = SigningServer.condition("Approved")
            status["certificate"] = "*"
            return status
        }
        #expect(
            await issue(broken.standIn, request)
                == .failure(
                    .unusable(request: request.name, CertificateProblem("status.certificate is not base64"))))
    }

    @Test func nobodyDecides() async throws {
        let request = try CertificateRequest.testing()
        let server = SigningServer { look, _ in look > 4 ? SigningServer.condition("Approved") : nil }
        let result = await issue(server.standIn, request, patience: .seconds(100))
        #expect(result == .failure(.undecided(request: request.name, after: .seconds(100), last: nil)))
        // To the end and not beyond.
        #expect(clock.sleeps.reduce(.zero, +) == .seconds(100))
    }

    @Test func deleted() async throws {
        let request = try CertificateRequest.testing()
        let server = SigningServer { _, _ in nil }
        let caller = StandIn { call throws(KubeError) in
            if call.method == .get { server.delete(request.name) }
            let (code, answer) = server.answer(call.method.rawValue, call.path, call.body ?? [])
            guard code < 300 else { throw KubeError(.status, "\(code)", httpStatus: code, method: call.method) }
            return KubeAnswer(status: code, body: answer.encoded())
        }
        #expect(await issue(caller, request) == .failure(.gone(request: request.name)))
        // Between the refusal to make it and the look at it.
        server.put(SigningRequestObject(for: request).object, as: request.name)
        #expect(await issue(caller, request) == .failure(.gone(request: request.name)))
    }

    /// A server that is away for a while is looked for until the time is over; one that says no is believed.
    @Test func failingLooks() async throws {
        let request = try CertificateRequest.testing()
        let server = server(issuingAt: 2)
        let failures = Mutex<[KubeError]>([
            KubeError(.connect, "refused"), KubeError(.timeout, "late"),
            KubeError(.status, "429", httpStatus: 429, method: .get, retryAfter: .seconds(40)),
            KubeError(.status, "500", httpStatus: 500, method: .get),
            KubeError(.malformedAnswer, "html"),
        ])
        let caller = StandIn { call throws(KubeError) in
            if call.method == .get, let failure = failures.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                throw failure
            }
            let (code, answer) = server.answer(call.method.rawValue, call.path, call.body ?? [])
            return KubeAnswer(status: code, body: answer.encoded())
        }
        _ = try await issue(caller, request).get()
        #expect(failures.withLock { $0.isEmpty })
        #expect(clock.sleeps.count == 6)
        #expect(clock.sleeps[3] == .seconds(40))
    }

    @Test func awayForTooLong() async throws {
        let request = try CertificateRequest.testing()
        let server = SigningServer { _, _ in nil }
        let caller = StandIn { call throws(KubeError) in
            if call.method == .get { throw KubeError(.connect, "connection refused") }
            let (code, answer) = server.answer(call.method.rawValue, call.path, call.body ?? [])
            return KubeAnswer(status: code, body: answer.encoded())
        }
        let result = await issue(caller, request, patience: .seconds(60))
        #expect(
            result == .failure(.undecided(request: request.name, after: .seconds(60), last: "connection refused")))
    }

    @Test(arguments: [400, 401, 403, 422])
    func refusedLooks(code: Int) async throws {
        let request = try CertificateRequest.testing()
        let server = SigningServer { _, _ in nil }
        let refusal = KubeError(.status, "no", httpStatus: code, method: .get)
        let caller = StandIn { call throws(KubeError) in
            if call.method == .get { throw refusal }
            let (code, answer) = server.answer(call.method.rawValue, call.path, call.body ?? [])
            return KubeAnswer(status: code, body: answer.encoded())
        }
        #expect(await issue(caller, request) == .failure(.call(refusal)))
        #expect(clock.sleeps.count == 1)
    }

    @Test func refusedCreation() async throws {
        let request = try CertificateRequest.testing()
        for error in [
            KubeError(.status, "no", httpStatus: 403, method: .post), KubeError(.timeout, "late"),
            KubeError(.status, "busy", httpStatus: 429, method: .post, retryAfter: .seconds(7)),
        ] {
            let caller = StandIn { _ throws(KubeError) in throw error }
            #expect(await issue(caller, request) == .failure(.call(error)))
            #expect(caller.calls.count == 1)
        }
        let cancelled = StandIn { _ throws(KubeError) in throw KubeError(.cancelled, "given up") }
        #expect(await issue(cancelled, request) == .failure(.cancelled))
    }

    @Test func cancelledWhileItWaits() async throws {
        let request = try CertificateRequest.testing()
        let server = SigningServer { _, _ in nil }
        let leaping = LeapingClock(limit: 3)
        let issuer = CertificateIssuer(
            caller: server.standIn, clock: leaping.kube, random: { 0 }, patience: .seconds(900)
        ) { _ in }
        let task = Task { () -> CertificateFailure? in
            do throws(CertificateFailure) {
                _ = try await issuer.issue(request)
                return nil
            } catch {
                return error
            }
        }
        await leaping.waitForTheLast()
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func whatFailuresCallFor() {
        func call(_ code: Int) -> CertificateFailure { .call(KubeError(.status, "x", httpStatus: code)) }
        let forPeople: [CertificateFailure] = [
            .denied(request: "r", words: "w"), .failed(request: "r", words: "w"), .foreign(request: "r"),
            .unusable(request: "r", CertificateProblem("p")), call(401), call(403), call(422),
        ]
        let passing: [CertificateFailure] = [
            .gone(request: "r"), .undecided(request: "r", after: .zero, last: nil), .file("f"), .cancelled, call(429),
            call(500), call(503), .call(KubeError(.connect, "x")),
        ]
        #expect(forPeople.allSatisfy { $0.isForPeople })
        #expect(!passing.contains { $0.isForPeople })
        #expect((forPeople + passing).filter(\.spoilsKey) == [forPeople[2], forPeople[3]])
        #expect(CertificateFailure.call(KubeError(.status, "x", retryAfter: .seconds(3))).retryAfter == .seconds(3))
        #expect(forPeople[0].retryAfter == nil)
        #expect((forPeople + passing).allSatisfy { !$0.description.isEmpty })
    }
}

extension SigningRequestObject {
    init(for request: CertificateRequest) {
        self.init(
            name: request.name, request: request.pem, signerName: request.identity.signerName,
            usages: ClientCertificateIdentity.usages)
    }
}
