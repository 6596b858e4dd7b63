// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

extension ClientCertificateManager {
    /// A disk that takes longer hangs.
    private static let diskPatience = Duration.seconds(30)

    /// What is on the disk; and what is wrong with it, where it cannot be used.
    ///
    /// - Throws: The disk does not answer: what is there is unknown.
    func currentPair() async throws(CertificateFailure) -> (pair: ClientCertificatePair?, fault: String?) {
        let files = files
        let result = try await onDisk {
            () throws(CertificateFailure) -> Result<ClientCertificatePair?, CertificateFailure> in
            Result { () throws(CertificateFailure) in try files.pair() }
        }
        switch result {
        case .success(let pair): return (pair, nil)
        case .failure(let failure): return (nil, failure.description)
        }
    }

    /// Who waits for a connection gets it.
    func becomeReady() async throws(CertificateFailure) {
        guard !ready.isComplete else { return }
        ready.complete(try await ownConnection())
    }

    /// What the kubeconfig says, which is written where it is missing: a crash may have come in between.
    private func ownConnection() async throws(CertificateFailure) -> KubeConnection {
        let (files, bootstrap) = (files, settings.bootstrapKubeconfig)
        return try await onDisk { () throws(CertificateFailure) -> KubeConnection in
            if let connection = try files.connection() { return connection }
            guard let bootstrap else {
                throw .file("there is no kubeconfig \(ForeignText.line(files.kubeconfig))")
            }
            try files.writeKubeconfig(for: try Self.load(bootstrap))
            guard let connection = try files.connection() else {
                throw .file("the kubeconfig \(ForeignText.line(files.kubeconfig)) is gone again")
            }
            return connection
        }
    }

    /// Gets a new certificate and puts it in its place.
    func renew(as requester: RotationMachine.Requester) async throws(CertificateFailure) {
        let files = files
        let connection = try await connection(of: requester)
        let key = try await onDisk { () throws(CertificateFailure) -> P256.Signing.PrivateKey in try files.key() }
        let request: CertificateRequest
        do throws(CertificateProblem) {
            request = try CertificateRequest(settings.identity, key: key)
        } catch {
            throw .file(error.description)
        }
        switch await issue(request, connection, as: requester) {
        case .success(let pair):
            try await onDisk { () throws(CertificateFailure) in
                try files.install(pair)
                if requester == .bootstrap { try files.writeKubeconfig(for: connection) }
            }
            state.withLock { $0.issued &+= 1 }
            logger.notice(
                "the cluster issued a client certificate for \(ForeignText.line(pair.commonName)), good until \(pair.notAfter.rfc3339)",
                metadata: .of(.clientCertificateIssued, ["until": "\(pair.notAfter.rfc3339)"]))
            await renewed()
        case .failure(let failure):
            if failure.spoilsKey { try await onDisk { () throws(CertificateFailure) in files.dropKey() } }
            throw failure
        }
    }

    private func connection(of requester: RotationMachine.Requester) async throws(CertificateFailure) -> KubeConnection
    {
        guard requester == .bootstrap, let bootstrap = settings.bootstrapKubeconfig else {
            return try await ownConnection()
        }
        let files = files
        return try await onDisk { () throws(CertificateFailure) -> KubeConnection in
            // One that is not ours must not be found out when there is a certificate already.
            _ = try files.connection()
            return try Self.load(bootstrap)
        }
    }

    private func issue(
        _ request: CertificateRequest, _ connection: KubeConnection, as requester: RotationMachine.Requester
    ) async -> Result<ClientCertificatePair, CertificateFailure> {
        let (options, logger, clock, loops) = (settings.client, logger, callClock, eventLoops)
        let client: KubeClient
        do throws(CertificateFailure) {
            client = try await onDisk { () throws(CertificateFailure) -> KubeClient in
                do throws(KubeconfigProblem) {
                    return try KubeClient(connection, options, logger: logger, clock: clock, eventLoops: loops)
                } catch {
                    throw .file(error.description)
                }
            }
        } catch {
            return .failure(error)
        }
        let issuer = CertificateIssuer(
            caller: client, clock: self.clock, random: random,
            patience: requester == .bootstrap ? settings.bootstrapPatience : settings.renewalPatience
        ) { name in
            self.state.withLock { $0.awaits = name }
            logger.notice(
                "waiting until the certificate signing request \(name) is approved",
                metadata: .of(.clientCertificateAwaited, ["signing_request": "\(name)"]))
        }
        let result: Result<ClientCertificatePair, CertificateFailure>
        do throws(CertificateFailure) {
            let chain = try await issuer.issue(request)
            do throws(CertificateProblem) {
                result = .success(try request.pair(with: chain, date: self.clock.date()))
            } catch {
                result = .failure(.unusable(request: request.name, error))
            }
        } catch {
            result = .failure(error)
        }
        state.withLock { $0.awaits = nil }
        await client.shutdown()
        return result
    }

    private static func load(_ bootstrap: String) throws(CertificateFailure) -> KubeConnection {
        do throws(KubeconfigProblem) {
            return try Kubeconfig.load(bootstrap)
        } catch {
            throw .file(error.description)
        }
    }

    /// Runs something that blocks. When it hangs it is not run a second time.
    private func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CertificateFailure) -> Value
    ) async throws(CertificateFailure) -> Value {
        let outcome: Result<Value, CertificateFailure>
        do {
            outcome = try await disk.run(within: Self.diskPatience, callClock) { Result(catching: body) }
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .file("the disk with \(ForeignText.line(files.directory)) does not answer")
        }
        return try outcome.get()
    }
}
