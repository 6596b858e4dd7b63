// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// What the monitor wants of a runtime's client, so that tests can stand in for one.
protocol RuntimeQueries: Sendable {
    func run() async
    func shutDown()
    func version(timeout: Duration?) async throws(RuntimeError) -> RuntimeVersion
    func status(verbose: Bool, timeout: Duration?) async throws(RuntimeError) -> RuntimeStatus
    func sandboxes(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Sandbox]
    func containers(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Container]
    func container(_ id: String, timeout: Duration?) async throws(RuntimeError) -> ContainerDetails
    func containerUsages(timeout: Duration?) async throws(RuntimeError) -> [ContainerUsage]
    func sandboxUsages(timeout: Duration?) async throws(RuntimeError) -> [SandboxUsage]
    func imageFileSystems(
        timeout: Duration?
    ) async throws(RuntimeError) -> (images: [RuntimeFileSystem], containers: [RuntimeFileSystem])
    func images(timeout: Duration?) async throws(RuntimeError) -> [RuntimeImage]
    func cgroupDriver(timeout: Duration?) async throws(RuntimeError) -> CgroupDriver
    func containerEvents(_ body: @escaping @Sendable (ContainerEvent) async -> Void) async throws(RuntimeError)
    func checkpointSupport() async -> CheckpointSupport
}

extension RuntimeClient: RuntimeQueries {}
