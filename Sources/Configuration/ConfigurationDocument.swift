// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// The effective configuration, for `config show` and `/configz`: nodekeep's own file with nothing left out, so
    /// that reading it back gives this configuration again. There are no secrets in it: they are in files that it names.
    package func document() -> ConfigurationValue {
        typealias Field = ConfigurationValue.Field
        func periods() -> ConfigurationValue {
            .object(
                node.pressureTransitionPeriods.sorted { $0.key.rawValue < $1.key.rawValue }
                    .map { Field($0.key.rawValue, Self.duration($0.value)) })
        }
        let thresholds = node.evictionHard + node.evictionSoft
        return .object(
            [
                Field("rootDir", .string(rootDirectory)),
                Field("stateDir", .string(stateDirectory)),
                Field("runDir", .string(runDirectory)),
                Field("socket", .string(socketPath)),
                Field("localAddress", .string(localAddress.description)),
                Field("localPort", .int(Int64(localPort))),
                Field("address", .string(address.description)),
                Field("port", .int(Int64(port))),
            ] + accessFields + clusterFields + [
                Field("containerRuntimeEndpoint", .string(containerRuntimeEndpoint ?? "")),
                Field("checkpointDirectory", .string(checkpointDirectory)),
                Field("featureGates", .object([Field(FeatureGate.containerCheckpoint, .bool(checkpointsEnabled))])),
                Field("runtimeRequestTimeout", Self.duration(runtimeRequestTimeout)),
                Field("logging", .object([Field("verbosity", .int(Int64(verbosity)))])),
                Field("hostnameOverride", .string(node.hostnameOverride)),
                Field("nodeIP", .string(node.nodeIPs.map(\.description).joined(separator: ","))),
                Field("externalIPs", .array(node.externalIPs.map { .string($0.description) })),
                Field("nodeLabels", .strings(node.nodeLabels)),
                Field("registerWithTaints", .array(node.registerWithTaints.map(Self.taint))),
                Field("providerID", .string(node.providerID ?? "")),
                Field("kubeletVersion", .string(node.kubeletVersion)),
                Field("maxPods", .int(Int64(clamping: node.maxPods))),
                Field("podsPerCore", .int(Int64(clamping: node.podsPerCore))),
                Field("systemReserved", Self.reservation(node.systemReserved)),
                Field("kubeReserved", Self.reservation(node.kubeReserved)),
                Field("reservedSystemCPUs", .string(reservedSystemCPUs)),
                Field("localStorageCapacityIsolation", .bool(node.localStorageCapacityIsolation)),
                Field("evictionHard", Self.map(node.evictionHard) { Self.text(of: $0.value) }),
                // The defaults are written out above.
                Field("mergeDefaultEvictionSettings", .bool(false)),
                Field("evictionSoft", Self.map(node.evictionSoft) { Self.text(of: $0.value) }),
                Field("evictionSoftGracePeriod", Self.map(node.evictionSoft) { GoDuration.format($0.grace ?? .zero) }),
                Field("evictionMinimumReclaim", Self.map(thresholds) { $0.minimumReclaim.map { Self.text(of: $0) } }),
                Field("evictionPressureTransitionPeriod", Self.duration(node.pressureTransitionPeriod)),
                Field("evictionPressureTransitionPeriods", periods()),
                Field("nodeStatusUpdateFrequency", Self.duration(statusUpdateFrequency)),
                Field("nodeStatusReportFrequency", Self.duration(node.statusReportFrequency)),
                Field("nodeStatusMaxImages", .int(Int64(node.statusMaxImages))),
            ])
    }

    private var accessFields: [ConfigurationValue.Field] {
        typealias Field = ConfigurationValue.Field
        let authentication: [Field] = [
            Field("anonymous", .object([Field("enabled", .bool(access.anonymous))])),
            Field("x509", .object([Field("clientCAFile", .string(access.clientCAFile ?? ""))])),
            Field("tokenFile", .string(access.tokenFile ?? "")),
            Field("tokenAuthFile", .string(access.tokenAuthFile ?? "")),
            Field(
                "webhook",
                .object([
                    Field("enabled", .bool(access.webhookAuthentication)),
                    Field("cacheTTL", Self.duration(access.webhookCacheTTL)),
                ])),
        ]
        let authorization: [Field] = [
            Field("mode", .string(access.mode.rawValue)), Field("policyFile", .string(access.policyFile)),
            Field(
                "webhook",
                .object([
                    Field("cacheAuthorizedTTL", Self.duration(access.cacheAuthorizedTTL)),
                    Field("cacheUnauthorizedTTL", Self.duration(access.cacheUnauthorizedTTL)),
                ])),
        ]
        return [
            Field("tlsCertFile", .string(tls.certFile ?? "")),
            Field("tlsPrivateKeyFile", .string(tls.privateKeyFile ?? "")),
            Field("tlsMinVersion", .string(tls.minVersion.rawValue)),
            Field("tlsCipherSuites", .array(tls.cipherSuites.map { .string($0) })),
            Field("kubeconfig", .string(access.kubeconfig ?? "")),
            Field("authentication", .object(authentication)), Field("authorization", .object(authorization)),
        ]
    }

    private var clusterFields: [ConfigurationValue.Field] {
        typealias Field = ConfigurationValue.Field
        return [
            Field(
                "cluster",
                .object([
                    Field("role", .string(cluster.role.rawValue)),
                    Field("leaseNamespace", .string(cluster.leaseNamespace ?? "")),
                    Field("leaseName", .string(cluster.leaseName ?? "")),
                    Field("conditionPrefix", .string(cluster.conditionPrefix)),
                    Field("bootstrapKubeconfig", .string(cluster.bootstrapKubeconfig ?? "")),
                ])),
            Field("registerNode", .bool(cluster.registersNode)),
            Field("nodeLeaseDurationSeconds", .int(cluster.leaseDurationSeconds)),
        ]
    }

    private static func duration(_ value: Duration) -> ConfigurationValue { .string(GoDuration.format(value)) }

    private static func taint(_ taint: Taint) -> ConfigurationValue {
        typealias Field = ConfigurationValue.Field
        return .object([
            Field("key", .string(taint.key)), Field("value", .string(taint.value ?? "")),
            Field("effect", .string(taint.effect.rawValue)),
        ])
    }

    private static func reservation(_ reserved: [ReservedResource: Quantity]) -> ConfigurationValue {
        .strings(Dictionary(uniqueKeysWithValues: reserved.map { ($0.key.rawValue, $0.value.description) }))
    }

    private static func map(
        _ thresholds: [EvictionThreshold], _ text: (EvictionThreshold) -> String?
    ) -> ConfigurationValue {
        var map: [String: String] = [:]
        for threshold in thresholds {
            map[threshold.signal.rawValue] = text(threshold) ?? map[threshold.signal.rawValue]
        }
        return .strings(map)
    }

    /// A percentage is kept as a 32-bit fraction; this is the shortest one that gives that very fraction again.
    static func text(of value: EvictionThreshold.Value) -> String {
        guard case .fraction(let fraction) = value else { return value.description }
        if let shown = Float(value.description.dropLast()), shown / 100 == fraction { return value.description }
        let percent = fraction * 100
        let exact = [percent, percent.nextUp, percent.nextDown].first { $0 / 100 == fraction }
        return "\(exact ?? percent)%"
    }
}
