// SPDX-License-Identifier: Apache-2.0

/// Every kind of event that an operator is told of. The name is for people and for whoever reads the lines of standard
/// error; the journal has the kind's id besides, by which `journalctl -x` finds its explanation in
/// packaging/nodekeep.catalog.
package enum LogKind: String, CaseIterable, Sendable {
    // The agent

    case agentStarted = "agent-started"
    case agentReady = "agent-ready"
    case agentStopping = "agent-stopping"
    case agentStopped = "agent-stopped"
    case agentFailed = "agent-failed"
    case loopStuck = "loop-stuck"
    case loopRecovered = "loop-recovered"
    case listenerOpened = "listener-opened"

    // Configuration

    case configurationRead = "configuration-read"
    case configurationProblem = "configuration-problem"
    case configurationRefused = "configuration-refused"
    case configurationWarning = "configuration-warning"
    case restartNeeded = "restart-needed"

    // The node

    case conditionChanged = "condition-changed"
    case nodeReady = "node-ready"
    case nodeNotReady = "node-not-ready"
    case sourceFailed = "source-failed"
    case sourceHung = "source-hung"
    case sourceRecovered = "source-recovered"

    // The container runtime

    case runtimeAnswers = "runtime-answers"
    case runtimeLost = "runtime-lost"
    case runtimeCheckpoints = "runtime-checkpoints"

    // Requests

    case requestRefused = "request-refused"
    case checkpointAnswered = "checkpoint-answered"
    case checkpointRefused = "checkpoint-refused"

    // Checkpoints

    case checkpointAccepted = "checkpoint-accepted"
    case checkpointNotAccepted = "checkpoint-not-accepted"
    case checkpointPublished = "checkpoint-published"
    case checkpointFailed = "checkpoint-failed"
    case checkpointDropped = "checkpoint-dropped"
    case checkpointAdopted = "checkpoint-adopted"
    case checkpointCallerLeft = "checkpoint-caller-left"
    case checkpointDelayed = "checkpoint-delayed"
    case checkpointContended = "checkpoint-contended"
    case checkpointsUnavailable = "checkpoints-unavailable"
    case checkpointOutsideUnit = "checkpoint-outside-unit"
    case checkpointWorkerLost = "checkpoint-worker-lost"
    case checkpointJobProblem = "checkpoint-job-problem"
    case checkpointLeftovers = "checkpoint-leftovers"
    case dumpStarted = "dump-started"
    case dumpSucceeded = "dump-succeeded"
    case dumpFailed = "dump-failed"
    case archiveNotDurable = "archive-not-durable"
    case recordWaitsForSpace = "record-waits-for-space"

    // Containers that a checkpoint may have left frozen

    case containerFrozen = "container-frozen"
    case containerResumed = "container-resumed"
    case containerNotResumed = "container-not-resumed"
    case containerThawed = "container-thawed"

    // Recovery

    case recoveryBegun = "recovery-begun"
    case recoveryEnded = "recovery-ended"
    case recoveryOpen = "recovery-open"
    case recoveryProblem = "recovery-problem"
    case jobFileUnreadable = "job-file-unreadable"

    // The web processes

    case webStarted = "web-started"
    case webEnded = "web-ended"
    case webNotStarted = "web-not-started"
    case webDeniedCall = "web-denied-call"
    case webMessage = "web-message"

    // Access and certificates

    case accessChanged = "access-changed"
    case accessProblem = "access-problem"
    case servingCertificateUsed = "serving-certificate-used"
    case servingCertificateProblem = "serving-certificate-problem"
    case servingCertificateExpires = "serving-certificate-expires"

    // The heartbeat and the API server

    case heartbeatProblem = "heartbeat-problem"
    case heartbeatRecovered = "heartbeat-recovered"
    case heartbeatStopped = "heartbeat-stopped"
    case heartbeatHeldBack = "heartbeat-held-back"
    case heartbeatResumed = "heartbeat-resumed"
    case heartbeatNotBegun = "heartbeat-not-begun"
    case kubeconfigWarning = "kubeconfig-warning"
    case credentialsChanged = "credentials-changed"
    case credentialsProblem = "credentials-problem"
    case clientCertificateIssued = "client-certificate-issued"
    case clientCertificateAwaited = "client-certificate-awaited"
    case clientCertificateProblem = "client-certificate-problem"
    case clientCertificateWell = "client-certificate-well"
}
