// SPDX-License-Identifier: Apache-2.0

extension LogKind {
    /// Which container.
    private static let place: Set<String> = ["namespace", "pod", "container", "container_id"]

    /// What every record of this kind carries, by the keys of its metadata. There may be more. The catalog fills in
    /// these alone: what is missing in a record would stay there as a name between at signs.
    package var fields: Set<String> {
        switch self {
        case .agentStarted: ["version", "pid"]
        case .loopStuck, .loopRecovered, .heartbeatProblem, .heartbeatRecovered, .heartbeatHeldBack: ["loop"]
        case .listenerOpened: ["listener", "address"]
        case .configurationRead: ["changed"]
        case .restartNeeded: ["setting"]
        case .conditionChanged, .nodeReady, .nodeNotReady: ["condition", "status", "reason", "previous"]
        case .sourceFailed, .sourceHung, .sourceRecovered: ["source"]
        case .runtimeAnswers, .runtimeLost: ["endpoint"]
        case .runtimeCheckpoints: ["supported"]
        case .requestRefused: ["decision", "reason", "http_status", "from", "verb", "path"]
        case .checkpointAnswered, .checkpointRefused: ["user", "from", "http_status", "verb", "path"]
        case .checkpointAccepted: Self.place.union(["job", "user", "from"])
        case .checkpointNotAccepted: ["namespace", "pod", "container"]
        case .checkpointPublished: Self.place.union(["job", "user", "archive", "sha256"])
        case .checkpointFailed, .checkpointDropped: Self.place.union(["job", "user", "outcome"])
        case .checkpointAdopted: Self.place.union(["job"])
        case .checkpointCallerLeft,
            .checkpointOutsideUnit,
            .checkpointJobProblem,
            .recordWaitsForSpace,
            .recoveryBegun,
            .recoveryOpen,
            .jobFileUnreadable:
            ["job"]
        case .checkpointDelayed,
            .checkpointContended,
            .containerFrozen,
            .containerResumed,
            .containerNotResumed:
            ["container_id"]
        case .checkpointWorkerLost: Self.place.union(["job", "pid"])
        case .dumpStarted: Self.place.union(["job", "user", "from"])
        case .dumpSucceeded: Self.place.union(["job", "archive", "sha256"])
        case .dumpFailed, .recoveryEnded: Self.place.union(["job", "outcome"])
        case .archiveNotDurable: ["job", "archive"]
        case .containerThawed: ["container_id", "state", "how"]
        case .webStarted, .webEnded, .webMessage: ["pid"]
        case .webDeniedCall: ["pid", "denied", "syscall"]
        case .credentialsChanged, .credentialsProblem: ["server"]
        case .clientCertificateIssued: ["until"]
        case .clientCertificateAwaited: ["signing_request"]
        case .agentReady, .agentStopping, .agentStopped, .agentFailed, .configurationProblem, .configurationRefused,
            .configurationWarning, .checkpointsUnavailable, .checkpointLeftovers, .recoveryProblem, .webNotStarted,
            .accessChanged, .accessProblem, .servingCertificateUsed, .servingCertificateProblem,
            .servingCertificateExpires, .heartbeatStopped, .heartbeatResumed, .heartbeatNotBegun, .kubeconfigWarning,
            .clientCertificateProblem, .clientCertificateWell:
            []
        }
    }
}
