// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import Configuration
internal import Glibc
internal import KubeAPI
internal import Logging
internal import NodeStatus

/// From what the operator has said about access to what does it.
enum AccessSetup {
    /// - Returns: nil when nobody can be told from anybody.
    /// - Throws: `AgentError` with everything that is wrong with the files, each on a line.
    static func control(_ configured: Configuration, logger: Logger) throws -> AccessControl? {
        let settings = configured.access
        guard settings.hasAuthenticator else { return nil }
        do {
            let webhooks = try webhooks(configured, logger: logger)
            return try AccessControl(
                files(settings), tokenReview: webhooks.tokens, accessReview: webhooks.access, date: Time.now())
        } catch let problems as AccessProblems {
            throw AgentError("the main listener cannot be opened: \(problems)")
        } catch let problem as KubeconfigProblem {
            throw AgentError("the main listener cannot be opened: \(problem)")
        }
    }

    /// What is wrong with the files that say who gets in, each on a line; nil: nothing. Asks nobody.
    static func problem(_ configured: Configuration) -> String? {
        let settings = configured.access
        guard settings.hasAuthenticator else { return nil }
        do {
            try AccessControl.check(files(settings), date: Time.now())
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func files(_ settings: AccessSettings) -> AccessConfiguration {
        var configuration = AccessConfiguration(mode: mode(settings.mode))
        configuration.clientCAFile = settings.clientCAFile
        configuration.staticTokenFile = settings.tokenAuthFile
        configuration.nodekeepTokenFile = settings.tokenFile
        configuration.allowsAnonymous = settings.anonymous
        configuration.policyFile = settings.mode == .policy ? settings.policyFile : nil
        // Root's; of an agent that is not root its own.
        configuration.tokenFileOwner = geteuid()
        return configuration
    }

    private static func webhooks(
        _ configured: Configuration, logger: Logger
    ) throws -> (tokens: TokenReviewSlot?, access: AccessReviewSlot?) {
        let settings = configured.access
        guard settings.needsWebhook, let path = settings.kubeconfig else { return (nil, nil) }
        let nodeName = configured.nodeName
        // Where the agent gets its certificate from the cluster, the kubeconfig is written once that is there.
        let client: any KubeCalling =
            configured.cluster.bootstrapKubeconfig != nil
            ? LateKubeClient(path, logger: logger)
            : try KubeClient(try Kubeconfig.load(path), KubeClient.Options(version: Version.current), logger: logger)
        var tokens: TokenReviewSlot?
        if settings.webhookAuthentication {
            let cache = TokenReviewCache(TokenReviewer(client), lifetime: settings.webhookCacheTTL)
            tokens = TokenReviewSlot(
                cached: { token, now in cache.cached(token: token, now: now).map { ($0.verdict, $0.until) } },
                review: { token, _ async throws(WebhookFailure) in
                    let verdict = try await cache.verdict(token: token)
                    return (verdict.verdict, verdict.until)
                })
        }
        var access: AccessReviewSlot?
        if settings.mode == .webhook {
            let cache = AccessReviewCache(
                SubjectAccessReviewer(client, nodeName: nodeName), nodeName: nodeName,
                allowed: settings.cacheAuthorizedTTL, denied: settings.cacheUnauthorizedTTL)
            access = AccessReviewSlot(
                cached: { identity, verb, subresource, now in
                    cache.cached(identity, verb: verb, subresource: subresource, now: now)
                        .map { ($0.verdict, $0.until) }
                },
                review: { identity, verb, subresource, _ async throws(WebhookFailure) in
                    let verdict = try await cache.verdict(identity, verb: verb, subresource: subresource)
                    return (verdict.verdict, verdict.until)
                })
        }
        return (tokens, access)
    }

    /// What TLS shows: the operator's pair, or one of our own for this machine.
    static func certificate(_ configuration: Configuration) -> ServingCertificate {
        if let certificate = configuration.tls.certFile, let key = configuration.tls.privateKeyFile {
            return ServingCertificate(.files(certificate: certificate, key: key))
        }
        return ServingCertificate(
            .own(
                path: configuration.stateDirectory + "/serving.pem", name: configuration.nodeName,
                addresses: addresses(configuration)))
    }

    /// The node's configured addresses, or all that its interfaces have now, and the loopback ones.
    private static func addresses(_ configuration: Configuration) -> [IPAddress] {
        let configured = configuration.node.nodeIPs.filter { !$0.isUnspecified }
        let loopback = [IPAddress("127.0.0.1"), IPAddress("::1")].compactMap(\.self)
        return (configured.isEmpty ? interfaceAddresses() : configured) + loopback
    }

    private static func interfaceAddresses() -> [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [IPAddress] = []
        var next = list
        // More than so many do not go into a certificate.
        while let entry = next, found.count < 32 {
            next = entry.pointee.ifa_next
            guard let socket = entry.pointee.ifa_addr else { continue }
            let bytes: [UInt8]
            switch Int32(socket.pointee.sa_family) {
            case AF_INET:
                bytes = socket.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
                }
            case AF_INET6:
                bytes = socket.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
                }
            default: continue
            }
            if let address = IPAddress(bytes: bytes), address.isGlobalUnicast, !found.contains(address) {
                found.append(address)
            }
        }
        return found
    }

    private static func mode(_ mode: AccessSettings.Mode) -> AuthorizationMode {
        switch mode {
        case .alwaysAllow: .alwaysAllow
        case .policy: .policy
        case .webhook: .webhook
        }
    }
}
