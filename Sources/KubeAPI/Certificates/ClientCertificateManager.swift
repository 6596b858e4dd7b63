// SPDX-License-Identifier: Apache-2.0
internal import Logbook
package import Logging
package import NIOCore
package import NodeStatus
internal import Synchronization

/// Gets a client certificate from the cluster and keeps it fresh: with the token of a bootstrap kubeconfig as long as
/// there is none, with the certificate itself from then on.
///
/// The certificate is in a file that the kubeconfig names, so who follows the kubeconfig's files needs nobody to tell him.
package final class ClientCertificateManager: Sendable {
    package struct Settings: Sendable {
        package var identity: ClientCertificateIdentity
        /// For the certificate and its key: absolute, in a directory that is there.
        package var directory: String
        /// Written when the first certificate comes, unless it is there.
        package var kubeconfig: String
        /// Nil: whoever has no certificate gets none.
        package var bootstrapKubeconfig: String?
        package var client: KubeClient.Options
        /// For somebody to approve a node's first certificate, and a later one.
        package var bootstrapPatience = Duration.seconds(3_600)
        package var renewalPatience = Duration.seconds(900)

        package init(
            identity: ClientCertificateIdentity, directory: String, kubeconfig: String, bootstrapKubeconfig: String?,
            client: KubeClient.Options
        ) {
            self.identity = identity
            self.directory = directory
            self.kubeconfig = kubeconfig
            self.bootstrapKubeconfig = bootstrapKubeconfig
            self.client = client
        }
    }

    let settings: Settings
    let files: CertificateFiles
    let logger: Logger
    /// For what this waits for.
    let clock: KubeClock
    /// For single calls.
    let callClock: KubeClock
    let random: @Sendable () -> Double
    let eventLoops: any EventLoopGroup
    let renewed: @Sendable () async -> Void
    let disk = ExclusiveCall(name: "kube-certs")
    let ready = OneTimeValue<KubeConnection>()
    let state = Mutex(ClientCertificateView())

    /// - Parameter renewed: Called when a new certificate is in its file, for clients to look.
    package convenience init(
        _ settings: Settings, logger: Logger, clock: KubeClock = .system,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        eventLoops: any EventLoopGroup = KubeClient.defaultEventLoops,
        renewed: @escaping @Sendable () async -> Void = {}
    ) {
        self.init(
            settings, logger: logger, clock: clock, callClock: clock, random: random, eventLoops: eventLoops,
            renewed: renewed)
    }

    init(
        _ settings: Settings, logger: Logger, clock: KubeClock, callClock: KubeClock,
        random: @escaping @Sendable () -> Double, eventLoops: any EventLoopGroup,
        renewed: @escaping @Sendable () async -> Void
    ) {
        self.settings = settings
        self.logger = logger
        self.clock = clock
        self.callClock = callClock
        self.random = random
        self.eventLoops = eventLoops
        self.renewed = renewed
        files = CertificateFiles(directory: settings.directory, kubeconfig: settings.kubeconfig)
    }

    package var view: ClientCertificateView { state.withLock { $0 } }

    /// Waits for a certificate that can be used, and says how to use it. Nil: the task was cancelled first.
    package func connection() async -> KubeConnection? {
        await ready.value()
    }

    /// Returns when the task is cancelled.
    package func run() async {
        var machine = RotationMachine()
        while !Task.isCancelled {
            let pause = await round(&machine)
            if pause > .zero { try? await clock.sleep(pause) }
        }
    }

    /// - Returns: How long there is nothing to do.
    private func round(_ machine: inout RotationMachine) async -> Duration {
        do throws(CertificateFailure) {
            return try await attempt(&machine)
        } catch {
            guard error != .cancelled else { return .zero }
            let now = clock.now()
            machine.failed(
                now: now, isForPeople: error.isForPeople, retryAfter: error.retryAfter, random: random())
            state.withLock { $0.failures &+= 1 }
            report(error.description)
            return machine.pause(now: now)
        }
    }

    private func attempt(_ machine: inout RotationMachine) async throws(CertificateFailure) -> Duration {
        let (pair, fault) = try await currentPair()
        machine.found(pair?.validity, random: random())
        state.withLock {
            $0.expires = pair?.notAfter
            $0.renewal = machine.renewal
        }
        let date = clock.date()
        let canBootstrap = settings.bootstrapKubeconfig != nil
        if let pair, pair.notAfter > date || !canBootstrap { try await becomeReady() }
        switch machine.step(date: date, now: clock.now(), canBootstrap: canBootstrap) {
        case .wait(let duration):
            if let renewal = machine.renewal, date < renewal { report(nil) }
            return duration
        case .stuck:
            report(
                fault
                    ?? "there is no client certificate in \(ForeignText.line(files.certificate)), and no bootstrap "
                    + "kubeconfig to get one with")
            return RotationMachine.longestWait
        case .request(let requester):
            if let fault { report(fault) }
            try await renew(as: requester)
            machine.succeeded(now: clock.now())
            return .zero
        }
    }

    /// - Parameter problem: Nil: all is well.
    private func report(_ problem: String?) {
        let isNew = state.withLock { state in
            defer { state.problem = problem }
            return state.problem != problem
        }
        guard isNew else { return }
        if let problem {
            logger.warning("no new client certificate: \(problem)", metadata: .of(.clientCertificateProblem))
        } else {
            logger.notice(
                "the client certificate is as it should be", metadata: .of(.clientCertificateWell))
        }
    }
}
