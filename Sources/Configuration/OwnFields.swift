// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// A field of nodekeep's own file.
package struct OwnField: Equatable, Sendable {
    package var name: String
    package var shape: FieldShape
    /// The flag that wins over it.
    package var flag: String?

    init(_ name: String, _ shape: FieldShape, flag: String? = nil) {
        self.name = name
        self.shape = shape
        self.flag = flag
    }

    /// Every field of nodekeep's own file. What they mean is in packaging/nodekeep.yaml, which a test holds against
    /// this list. Names that KubeletConfiguration has as well mean the same here.
    package static let all: [OwnField] = [
        OwnField("rootDir", .text, flag: "--root-dir"),
        OwnField("stateDir", .text, flag: "--state-dir"),
        OwnField("runDir", .text, flag: "--run-dir"),
        OwnField("socket", .text, flag: "--socket"),
        OwnField("localAddress", .text, flag: "--local-address"),
        OwnField("localPort", .portOrOff, flag: "--local-port"),
        OwnField("address", .text),
        OwnField("port", .port),
        OwnField("tlsCertFile", .text),
        OwnField("tlsPrivateKeyFile", .text),
        OwnField("tlsMinVersion", .text),
        OwnField("tlsCipherSuites", .texts),
        OwnField("kubeconfig", .text, flag: "--kubeconfig"),
        OwnField("authentication.anonymous.enabled", .bool),
        OwnField("authentication.x509.clientCAFile", .text),
        OwnField("authentication.tokenFile", .text),
        OwnField("authentication.tokenAuthFile", .text),
        OwnField("authentication.webhook.enabled", .bool),
        OwnField("authentication.webhook.cacheTTL", .upToAYear),
        OwnField("authorization.mode", .choice(AccessSettings.Mode.allCases.map(\.rawValue))),
        OwnField("authorization.policyFile", .text),
        OwnField("authorization.webhook.cacheAuthorizedTTL", .upToAYear),
        OwnField("authorization.webhook.cacheUnauthorizedTTL", .upToAYear),
        OwnField("cluster.role", .choice(HeartbeatRole.allCases.map(\.rawValue)), flag: "--cluster-role"),
        OwnField("cluster.leaseNamespace", .text),
        OwnField("cluster.leaseName", .text),
        OwnField("cluster.conditionPrefix", .text),
        OwnField("cluster.bootstrapKubeconfig", .text, flag: "--bootstrap-kubeconfig"),
        OwnField("registerNode", .bool),
        OwnField("nodeLeaseDurationSeconds", Limits.leaseDuration),
        OwnField("containerRuntimeEndpoint", .text, flag: "--container-runtime-endpoint"),
        OwnField("checkpointDirectory", .text),
        OwnField("featureGates", .boolMap),
        OwnField("runtimeRequestTimeout", .upToAYear),
        OwnField("logging.verbosity", .int(0...10), flag: "--v"),

        OwnField("hostnameOverride", .text, flag: "--hostname-override"),
        OwnField("nodeIP", .text, flag: "--node-ip"),
        OwnField("externalIPs", .texts),
        OwnField("nodeLabels", .textMap),
        OwnField("registerWithTaints", .objects),
        OwnField("registerWithTaints[].key", .text),
        OwnField("registerWithTaints[].value", .text),
        OwnField("registerWithTaints[].effect", .choice(Taint.Effect.allCases.map(\.rawValue))),
        OwnField("providerID", .text),
        OwnField("kubeletVersion", .text),

        OwnField("maxPods", Limits.maxPods),
        OwnField("podsPerCore", Limits.maxPods),
        OwnField("systemReserved", .textMap),
        OwnField("kubeReserved", .textMap),
        OwnField("reservedSystemCPUs", .text),
        OwnField("localStorageCapacityIsolation", .bool),

        OwnField("evictionHard", .textMap),
        OwnField("mergeDefaultEvictionSettings", .bool),
        OwnField("evictionSoft", .textMap),
        OwnField("evictionSoftGracePeriod", .textMap),
        OwnField("evictionMinimumReclaim", .textMap),
        OwnField("evictionPressureTransitionPeriod", .upToAYear),
        OwnField("evictionPressureTransitionPeriods.MemoryPressure", .upToAYear),
        OwnField("evictionPressureTransitionPeriods.DiskPressure", .upToAYear),
        OwnField("evictionPressureTransitionPeriods.PIDPressure", .upToAYear),
        OwnField("nodeStatusUpdateFrequency", .upToAYear),
        OwnField("nodeStatusReportFrequency", .upToAYear),
        OwnField("nodeStatusMaxImages", Limits.statusImages),
    ]

    static let shapes = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.shape) })
}

enum Limits {
    /// A node of a million pods is a typing error.
    static let maxPods = FieldShape.int(0...1_000_000)
    /// -1: all.
    static let statusImages = FieldShape.int(-1...Int64(Int32.max))
    /// A control plane that hears of a dead node after an hour has no use for the lease.
    static let leaseDuration = FieldShape.int(0...3_600)
    /// `sun_path` less its terminating NUL.
    static let socketPath = 107
    static let path = 4_095
    static let listItems = 64
    /// Linux itself is built for at most 8192.
    static let cpu: UInt64 = 65_535
}
