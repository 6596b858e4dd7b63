// SPDX-License-Identifier: Apache-2.0

/// Has the cluster sign a request: makes the object, or finds the one of an earlier try, and waits until it is decided.
struct CertificateIssuer: Sendable {
    let caller: any KubeCalling
    let clock: KubeClock
    /// From 0 to 1.
    let random: @Sendable () -> Double
    /// For somebody to decide.
    let patience: Duration
    /// Called once when nobody has decided at the first look.
    let waiting: @Sendable (_ request: String) -> Void

    private static let callTimeout = Duration.seconds(30)
    /// What approves by itself takes a moment. Whoever waits for a human being may wait a little longer.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)
    private static let factor = 1.5
    private static let jitter = 0.2

    /// - Returns: The certificate in PEM, as it was issued.
    func issue(_ request: CertificateRequest) async throws(CertificateFailure) -> [UInt8] {
        let start = clock.now()
        var object = try await create(request)
        var pause = Self.firstPause
        var hasTold = false
        var lastFailure: KubeError?
        while true {
            if let object, let certificate = try judge(object, request) { return certificate }
            let elapsed = clock.now() - start
            guard elapsed < patience else {
                throw .undecided(request: request.name, after: patience, last: lastFailure?.description)
            }
            if !hasTold { waiting(request.name) }
            hasTold = true
            let wait = max(pause * (1 + Self.jitter * random()), lastFailure?.retryAfter ?? .zero)
            try await sleep(min(wait, patience - elapsed))
            pause = min(pause * Self.factor, Self.longestPause)
            switch await look(request.name) {
            case .success(let found): (object, lastFailure) = (found, nil)
            case .failure(let error):
                if error.kind == .cancelled { throw .cancelled }
                if error.isNotFound { throw .gone(request: request.name) }
                let failure = CertificateFailure.call(error)
                if failure.isForPeople { throw failure }
                (object, lastFailure) = (nil, error)
            }
        }
    }

    /// Nil: it is there, and what it is the next look tells.
    private func create(_ request: CertificateRequest) async throws(CertificateFailure) -> SigningRequestObject? {
        let new = SigningRequestObject(
            name: request.name, request: request.pem, signerName: request.identity.signerName,
            usages: ClientCertificateIdentity.usages, expirationSeconds: request.identity.expirationSeconds)
        do throws(KubeError) {
            return SigningRequestObject(
                try await caller.createCertificateSigningRequest(new.object, timeout: Self.callTimeout))
        } catch {
            if error.kind == .cancelled { throw .cancelled }
            guard error.isAlreadyExists else { throw .call(error) }
        }
        // An earlier try made it, which perhaps has not seen the answer.
        switch await look(request.name) {
        case .success(let found): return found
        case .failure(let error): throw error.isNotFound ? .gone(request: request.name) : .call(error)
        }
    }

    private func look(_ name: String) async -> Result<SigningRequestObject, KubeError> {
        do throws(KubeError) {
            return .success(
                SigningRequestObject(try await caller.getCertificateSigningRequest(name, timeout: Self.callTimeout)))
        } catch {
            return .failure(error)
        }
    }

    /// The certificate; nil: not decided.
    private func judge(
        _ object: SigningRequestObject, _ request: CertificateRequest
    ) throws(CertificateFailure) -> [UInt8]? {
        // Names can be guessed, and whoever may make requests may make one of this name.
        guard object.signerName == request.identity.signerName, let other = object.request,
            request.isWithThisKey(other)
        else { throw .foreign(request: request.name) }
        switch object.verdict {
        case .pending, .approved: return nil
        case .issued(let certificate): return certificate
        case .denied(let words): throw .denied(request: request.name, words: words)
        case .failed(let words): throw .failed(request: request.name, words: words)
        case .broken(let text): throw .unusable(request: request.name, CertificateProblem(text))
        }
    }

    private func sleep(_ duration: Duration) async throws(CertificateFailure) {
        do {
            try await clock.sleep(duration)
        } catch {
            throw .cancelled
        }
    }
}
