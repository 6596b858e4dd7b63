// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// A runtime of which only CRI is known.
struct OtherRuntime: CRIRuntime {
    let connection: RuntimeConnection
    let about: RuntimeDescription

    func resume(_ id: String) async throws(RuntimeError) {
        throw RuntimeError(
            .unimplemented, "nothing is known of how \(about.name) resumes a container; resume it by hand")
    }

    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        throw RuntimeError(.unimplemented, "\(about.name) has no events of pauses")
    }
}
