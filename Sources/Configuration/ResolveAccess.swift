// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// Who is let in on the main listener, and to what.
    mutating func resolveAccess(_ reader: ValueReader, _ flags: FlagValues) {
        let findings = reader.findings
        func path(_ name: String) -> String? {
            reader.text(name).flatMap { text, origin in text.isEmpty ? nil : Paths.judge(text, origin, findings) }
        }
        func time(_ name: String, _ usual: Duration) -> Duration {
            // As in a kubelet, zero is "not set".
            reader.duration(name).flatMap { $0 == .zero ? nil : $0 } ?? usual
        }
        access.kubeconfig = reader.either(flag: "--kubeconfig", flags.kubeconfig, file: "kubeconfig") { text, origin in
            text.isEmpty ? nil : Paths.judge(text, origin, findings)
        }
        access.anonymous = reader.bool("authentication.anonymous.enabled") ?? false
        access.clientCAFile = path("authentication.x509.clientCAFile")
        access.tokenFile = path("authentication.tokenFile")
        access.tokenAuthFile = path("authentication.tokenAuthFile")
        // The kubelet's defaults hold for a kubelet's file.
        access.webhookAuthentication = reader.bool("authentication.webhook.enabled") ?? reader.isKubelets
        access.webhookCacheTTL = time("authentication.webhook.cacheTTL", access.webhookCacheTTL)
        access.mode =
            reader.text("authorization.mode").flatMap { AccessSettings.Mode(rawValue: $0.text) }
            ?? (reader.isKubelets ? .webhook : .policy)
        access.policyFile = path("authorization.policyFile") ?? access.policyFile
        access.cacheAuthorizedTTL = time("authorization.webhook.cacheAuthorizedTTL", access.cacheAuthorizedTTL)
        access.cacheUnauthorizedTTL = time("authorization.webhook.cacheUnauthorizedTTL", access.cacheUnauthorizedTTL)
        // A kubelet's file that says that nothing is served.
        if reader.bool("enableServer") == false { access = AccessSettings() }
        judgeAccess(reader)
    }

    private mutating func judgeAccess(_ reader: ValueReader) {
        let findings = reader.findings
        let mode = reader.find("authorization.mode")?.origin
        if access.anonymous, access.mode == .alwaysAllow {
            findings.refuse(
                mode ?? Origin(field: "authorization.mode", line: 1), access.mode.rawValue,
                "Webhook or Policy while authentication.anonymous.enabled is true: together they would give the "
                    + "memory of every container to whoever asks")
        }
        guard access.needsWebhook, access.kubeconfig == nil else { return }
        if reader.isKubelets {
            // A kubelet is given its kubeconfig by a flag: its file alone cannot say where the API server is.
            let asked = ["authentication.x509.clientCAFile", "authentication.webhook.enabled", "authorization.mode"]
            if asked.contains(where: { reader.find($0) != nil }) {
                findings.warnings.append(
                    "\(findings.file ?? ""): authentication or authorization ask an API server, and there is no "
                        + "--kubeconfig that says where it is: the main listener stays off")
            }
            access = AccessSettings()
            return
        }
        let (name, value) =
            access.webhookAuthentication
            ? ("authentication.webhook.enabled", "true") : ("authorization.mode", access.mode.rawValue)
        findings.refuse(
            reader.find(name)?.origin ?? Origin(field: name, line: 1), value,
            "only together with kubeconfig (or --kubeconfig), which says where the API server is")
    }

    /// How the main listener speaks TLS.
    mutating func resolveTLS(_ reader: ValueReader) {
        let findings = reader.findings
        func path(_ name: String) -> (path: String, origin: Origin)? {
            reader.text(name).flatMap { text, origin in
                text.isEmpty ? nil : Paths.judge(text, origin, findings).map { ($0, origin) }
            }
        }
        let (certificate, key) = (path("tlsCertFile"), path("tlsPrivateKeyFile"))
        (tls.certFile, tls.privateKeyFile) = (certificate?.path, key?.path)
        if let (path, origin) = certificate ?? key, certificate == nil || key == nil {
            findings.refuse(origin, path, "tlsCertFile and tlsPrivateKeyFile together, or neither")
        }
        if let (text, origin) = reader.text("tlsMinVersion"), !text.isEmpty {
            if let version = TLSSettings.Version(rawValue: text) {
                tls.minVersion = version
            } else if !(reader.isKubelets && ["VersionTLS10", "VersionTLS11"].contains(text)) {
                findings.refuse(
                    origin, text,
                    TLSSettings.Version.allCases.map(\.rawValue).joined(separator: " or ")
                        + "; older ones are broken and not served")
            }
        }
        resolveCipherSuites(reader)
    }

    private mutating func resolveCipherSuites(_ reader: ValueReader) {
        guard let (list, origin) = reader.find("tlsCipherSuites"), let items = list.items else { return }
        for (index, item) in items.enumerated() {
            guard let text = item.scalar?.text else { continue }
            let name = TLSSettings.otherNames[text] ?? text
            if TLSSettings.cipherSuites12.contains(name) {
                if !tls.cipherSuites.contains(name) { tls.cipherSuites.append(name) }
            } else if !TLSSettings.cipherSuites13.contains(name) {
                reader.findings.refuse(
                    Origin(field: "\(origin.field)[\(index)]", line: item.line), text,
                    TLSSettings.cipherSuites12.joined(separator: ", ")
                        + "; others have no forward secrecy or no authenticated encryption")
            }
        }
    }
}
