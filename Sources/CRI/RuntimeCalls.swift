// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore
internal import SwiftProtobuf

private typealias Runtime = Runtime_V1_RuntimeService.Method
private typealias Images = Runtime_V1_ImageService.Method

/// CRI.
extension RuntimeClient {
    package func version(timeout: Duration?) async throws(RuntimeError) -> RuntimeVersion {
        // The version of the kubelet's interface, as the kubelet asks.
        let answer: Runtime.Version.Output = try await unary(
            Runtime.Version.descriptor, Runtime.Version.Input.with { $0.version = "0.1.0" }, timeout: timeout)
        return RuntimeVersion(answer)
    }

    package func status(verbose: Bool, timeout: Duration?) async throws(RuntimeError) -> RuntimeStatus {
        let answer: Runtime.Status.Output = try await unary(
            Runtime.Status.descriptor, Runtime.Status.Input.with { $0.verbose = verbose }, timeout: timeout)
        return RuntimeStatus(answer)
    }

    /// - Parameter labels: all must match; empty: every one.
    package func sandboxes(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Sandbox] {
        var request = Runtime.ListPodSandbox.Input()
        if !labels.isEmpty { request.filter.labelSelector = labels }
        let answer: Runtime.ListPodSandbox.Output = try await unary(
            Runtime.ListPodSandbox.descriptor, request, timeout: timeout)
        return answer.items.map(Sandbox.init)
    }

    /// Containers in every state.
    /// - Parameter labels: all must match; empty: every one.
    package func containers(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Container] {
        var request = Runtime.ListContainers.Input()
        if !labels.isEmpty { request.filter.labelSelector = labels }
        let answer: Runtime.ListContainers.Output = try await unary(
            Runtime.ListContainers.descriptor, request, timeout: timeout)
        return answer.containers.map(Container.init)
    }

    /// The verbose answer.
    package func container(_ id: String, timeout: Duration?) async throws(RuntimeError) -> ContainerDetails {
        let request = Runtime.ContainerStatus.Input.with {
            $0.containerID = id
            $0.verbose = true
        }
        let answer: Runtime.ContainerStatus.Output = try await unary(
            Runtime.ContainerStatus.descriptor, request, timeout: timeout)
        return ContainerDetails(answer)
    }

    package func usage(of id: String, timeout: Duration?) async throws(RuntimeError) -> ContainerUsage {
        let answer: Runtime.ContainerStats.Output = try await unary(
            Runtime.ContainerStats.descriptor, Runtime.ContainerStats.Input.with { $0.containerID = id },
            timeout: timeout)
        return ContainerUsage(answer.stats)
    }

    package func containerUsages(timeout: Duration?) async throws(RuntimeError) -> [ContainerUsage] {
        let answer: Runtime.ListContainerStats.Output = try await unary(
            Runtime.ListContainerStats.descriptor, Runtime.ListContainerStats.Input(), timeout: timeout)
        return answer.stats.map(ContainerUsage.init)
    }

    package func sandboxUsages(timeout: Duration?) async throws(RuntimeError) -> [SandboxUsage] {
        let answer: Runtime.ListPodSandboxStats.Output = try await unary(
            Runtime.ListPodSandboxStats.descriptor, Runtime.ListPodSandboxStats.Input(), timeout: timeout)
        return answer.stats.map(SandboxUsage.init)
    }

    package func imageFileSystems(
        timeout: Duration?
    ) async throws(RuntimeError) -> (images: [RuntimeFileSystem], containers: [RuntimeFileSystem]) {
        let answer: Images.ImageFsInfo.Output = try await unary(
            Images.ImageFsInfo.descriptor, Images.ImageFsInfo.Input(), timeout: timeout)
        return (
            answer.imageFilesystems.map(RuntimeFileSystem.init), answer.containerFilesystems.map(RuntimeFileSystem.init)
        )
    }

    package func images(timeout: Duration?) async throws(RuntimeError) -> [RuntimeImage] {
        let answer: Images.ListImages.Output = try await unary(
            Images.ListImages.descriptor, Images.ListImages.Input(), timeout: timeout)
        return answer.images.map(RuntimeImage.init)
    }

    /// Throws `unimplemented` where the runtime is older than the call (containerd 1.x).
    package func cgroupDriver(timeout: Duration?) async throws(RuntimeError) -> CgroupDriver {
        let answer: Runtime.RuntimeConfig.Output = try await unary(
            Runtime.RuntimeConfig.descriptor, Runtime.RuntimeConfig.Input(), timeout: timeout)
        guard answer.hasLinux, let driver = CgroupDriver(answer.linux.cgroupDriver) else {
            throw RuntimeError(.unimplemented, "the runtime does not say which cgroup driver it uses")
        }
        return driver
    }

    /// Ends when the runtime ends it (one that has no events ends it at once) or by throwing. containerd begins with
    /// those that it has kept for nobody.
    package func containerEvents(
        _ body: @escaping @Sendable (ContainerEvent) async -> Void
    ) async throws(RuntimeError) {
        try await stream(Runtime.GetContainerEvents.descriptor, Runtime.GetContainerEvents.Input()) {
            (event: Runtime.GetContainerEvents.Output) in await body(ContainerEvent(event))
        }
    }

    /// Goes on to its end when the calling task is cancelled: a call that is cut off can leave the container frozen.
    /// - Parameters:
    ///   - location: absolute path of the archive to be written, as the runtime sees it.
    ///   - timeout: nil everywhere but in benchmarks: a deadline can leave the container frozen.
    package func checkpoint(_ id: String, location: String, timeout: Duration?) async throws(RuntimeError) {
        let request = Runtime.CheckpointContainer.Input.with {
            $0.containerID = id
            $0.location = location
        }
        // A task of its own does not hear of the caller's cancellation.
        let result = await Task { () -> Result<Void, RuntimeError> in
            do throws(RuntimeError) {
                let _: Runtime.CheckpointContainer.Output = try await unary(
                    Runtime.CheckpointContainer.descriptor, request, timeout: timeout)
                return .success(())
            } catch {
                return .failure(error)
            }
        }.value
        try result.get()
    }
}
