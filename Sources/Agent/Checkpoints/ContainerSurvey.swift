// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import CRI

/// What the runtime says about the container that a call names.
struct ContainerSurvey: Sendable {
    var lookup: ContainerLookup
    var runtime: RuntimeVersion
    /// What follows is for the estimate alone; nil where the runtime did not say.
    var details: ContainerDetails?
    var usage: ContainerUsage?
    /// containerd's own root directory.
    var containerdRoot: String?
    /// Asked for a dry run only: that costs the runtime some work.
    var support: CheckpointSupport?

    /// Looking something up is quick; a runtime that needs longer is as good as not there.
    private static let timeout: Duration = .seconds(10)

    static func make(_ call: CheckpointCall, _ client: RuntimeClient) async throws(RuntimeError) -> ContainerSurvey {
        let labels = ContainerLookup.podLabels(namespace: call.namespace, pod: call.pod)
        // Side by side: each is a round trip of its own.
        async let versionAnswer = Self.result { () throws(RuntimeError) in try await client.version(timeout: timeout) }
        async let sandboxAnswer = Self.result { () throws(RuntimeError) in
            try await client.sandboxes(labels: labels, timeout: timeout)
        }
        async let containerAnswer = Self.result { () throws(RuntimeError) in
            try await client.containers(labels: labels, timeout: timeout)
        }
        let runtime = try await versionAnswer.get()
        let lookup = ContainerLookup.choose(
            namespace: call.namespace, pod: call.pod, container: call.container,
            sandboxes: try await sandboxAnswer.get(), containers: try await containerAnswer.get())
        guard case .found(let identity) = lookup else { return ContainerSurvey(lookup: lookup, runtime: runtime) }
        let id = identity.containerID
        async let details = Self.result { () throws(RuntimeError) in try await client.container(id, timeout: timeout) }
        async let usage = Self.result { () throws(RuntimeError) in try await client.usage(of: id, timeout: timeout) }
        async let status = Self.result { () throws(RuntimeError) in
            try await client.status(verbose: true, timeout: timeout)
        }
        return ContainerSurvey(
            lookup: lookup, runtime: runtime, details: try? await details.get(), usage: try? await usage.get(),
            containerdRoot: (try? await status.get())?.containerdConfiguration?.containerdRoot,
            support: call.isDryRun ? await client.checkpointSupport() : nil)
    }

    private static func result<Value: Sendable>(
        _ body: @Sendable () async throws(RuntimeError) -> Value
    ) async -> Result<Value, RuntimeError> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
