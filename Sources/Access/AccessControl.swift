// SPDX-License-Identifier: Apache-2.0
package import NodeStatus
internal import Synchronization

/// Who is asking, and may they?
///
/// One of these for one configuration. Its files are read when it is made and again when ``refresh(date:)`` finds them
/// changed; everything else is asked of it at any time, from anywhere.
package final class AccessControl: Sendable {
    package let configuration: AccessConfiguration
    let tokenReview: TokenReviewSlot?
    let accessReview: AccessReviewSlot?
    /// Held while the disk is waited for, so nobody but a refresh may want it.
    private let files: Mutex<AccessFiles>
    private let current: Mutex<(material: AccessMaterial, generation: UInt64)>

    /// What ``refresh(date:)`` would have said about the files that were read here.
    package let initialNotices: [AccessNotice]

    /// Reads the files, and so waits for the disk.
    ///
    /// - Parameters:
    ///   - tokenReview: nil: bearer tokens are looked for in the files only.
    ///   - accessReview: wanted by ``AuthorizationMode/webhook``.
    /// - Throws: everything that is wrong with the files. Without any of them there is nothing to go on with.
    package init(
        _ configuration: AccessConfiguration, tokenReview: TokenReviewSlot? = nil,
        accessReview: AccessReviewSlot? = nil, date: Timestamp
    ) throws(AccessProblems) {
        self.configuration = configuration
        self.tokenReview = tokenReview
        self.accessReview = accessReview
        if configuration.mode == .policy, configuration.policyFile == nil {
            throw AccessProblems([AccessProblem("authorization", field: "mode", "Policy wants the file of the policy")])
        }
        if configuration.mode == .webhook, accessReview == nil {
            throw AccessProblems([AccessProblem("authorization", field: "mode", "Webhook wants an API server to ask")])
        }
        let (files, refresh) = try Self.read(configuration, date: date)
        initialNotices = refresh.notices
        current = Mutex((files.material, 0))
        self.files = Mutex(files)
    }

    /// Whether the files are in order, and nothing else. Waits for the disk.
    ///
    /// - Throws: everything that is wrong with them.
    package static func check(_ configuration: AccessConfiguration, date: Timestamp) throws(AccessProblems) {
        _ = try read(configuration, date: date)
    }

    private static func read(
        _ configuration: AccessConfiguration, date: Timestamp
    ) throws(AccessProblems) -> (AccessFiles, AccessRefresh) {
        var files = AccessFiles(configuration)
        let (refresh, problems) = files.refresh(date: date)
        guard problems.isEmpty else { throw AccessProblems(problems) }
        return (files, refresh)
    }

    /// Looks at the files and takes over what has changed in them. Waits for the disk: once a second, from a thread that
    /// may.
    package func refresh(date: Timestamp) -> AccessRefresh {
        files.withLock { files in
            let (refresh, _) = files.refresh(date: date)
            if refresh.isChanged {
                let material = files.material
                current.withLock { $0 = (material, $0.generation &+ 1) }
            }
            return refresh
        }
    }

    var material: AccessMaterial { current.withLock { $0.material } }

    /// Counts the changes of the files. An answer that was asked for under another number than now must not become a
    /// grant: it may be from what has just been revoked.
    package var generation: UInt64 { current.withLock { $0.generation } }

    /// Whether clients over TCP can prove who they are at all: otherwise there is no main listener.
    package var hasAuthenticator: Bool {
        configuration.clientCAFile != nil || hasTokenAuthenticator || configuration.allowsAnonymous
    }

    var hasTokenAuthenticator: Bool {
        configuration.staticTokenFile != nil || configuration.nodekeepTokenFile != nil || tokenReview != nil
    }

    /// Whether TLS is to ask clients for a certificate.
    package var requestsClientCertificate: Bool { configuration.clientCAFile != nil }

    /// The subjects of the authorities as DER, for TLS to tell clients whose certificates to send.
    package var clientAuthorityNames: [[UInt8]] { material.certificates?.authorities.names ?? [] }
}
