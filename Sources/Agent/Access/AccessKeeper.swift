// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import Configuration
internal import Gate
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// Follows the files that say who gets in and what TLS shows, on a thread of its own: a disk that hangs keeps nobody
/// waiting, and what was read before stays in force.
final class AccessKeeper: Sendable {
    private static let interval: Duration = .seconds(1)

    private let gatekeeper: Gatekeeper
    private let tls: TLSListener
    private let certificate: Mutex<ServingCertificate>
    private let isStopped = Mutex(false)
    private let wakeup: Wakeup
    private let logger: Logger

    /// Reads everything for the first time, and so waits for the disk.
    ///
    /// - Throws: `AgentError` where there is no certificate to serve with.
    init(
        gatekeeper: Gatekeeper, tls: TLSListener, certificate: ServingCertificate, logger: Logger
    ) throws {
        self.gatekeeper = gatekeeper
        self.tls = tls
        self.logger = logger
        wakeup = try Wakeup()
        var certificate = certificate
        let first = certificate.refresh(date: Time.now())
        for notice in first.notices { Self.log(notice, logger) }
        guard certificate.pair != nil else {
            let reason = first.notices.first { $0.isProblem }?.description ?? "it cannot be read"
            throw AgentError("the main listener has no certificate: \(reason)")
        }
        self.certificate = Mutex(certificate)
        for notice in gatekeeper.current?.initialNotices ?? [] { Self.log(notice, logger) }
        publish()
    }

    /// - Parameters:
    ///   - revoke: somebody may have lost access.
    ///   - identityChanged: TLS shows something else, or asks for other certificates.
    func start(revoke: @escaping @Sendable () -> Void, identityChanged: @escaping @Sendable () -> Void) throws {
        try OwnThread.start(name: "access") { self.run(revoke, identityChanged) }
    }

    func stop() {
        isStopped.withLock { $0 = true }
        wakeup.signal()
    }

    private func run(_ revoke: () -> Void, _ identityChanged: () -> Void) {
        while !isStopped.withLock({ $0 }) {
            wakeup.wait(atMost: Self.interval)
            wakeup.clear()
            let date = Time.now()
            let access = gatekeeper.current?.refresh(date: date) ?? AccessRefresh()
            let served = certificate.withLock { $0.refresh(date: date) }
            for notice in access.notices + served.notices { Self.log(notice, logger) }
            if access.isChanged { revoke() }
            if publish() { identityChanged() }
        }
    }

    /// - Returns: whether it is another one than before.
    @discardableResult
    private func publish() -> Bool {
        guard let pair = certificate.withLock({ $0.pair }) else { return false }
        let control = gatekeeper.current
        let identity = ServerIdentity(
            certificateChain: pair.certificateChain, privateKey: pair.privateKey,
            clientAuthorityNames: control?.clientAuthorityNames ?? [],
            requestsClientCertificate: control?.requestsClientCertificate ?? false)
        guard identity != tls.identity else { return false }
        tls.replace(with: identity)
        return true
    }

    private static func log(_ notice: AccessNotice, _ logger: Logger) {
        let kind: LogKind =
            switch (notice.topic, notice.isProblem) {
            case (.accessFile, false): .accessChanged
            case (.accessFile, true): .accessProblem
            case (.servingCertificate, false): .servingCertificateUsed
            case (.servingCertificate, true): .servingCertificateProblem
            case (.expiry, _): .servingCertificateExpires
            }
        logger.log(level: notice.isProblem ? .error : .info, "\(notice.description)", metadata: .of(kind))
    }
}
