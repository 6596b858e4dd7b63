// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore
internal import SwiftProtobuf
internal import Synchronization

private typealias Tasks = Containerd_Services_Tasks_V1_Tasks.Method
private typealias Events = Containerd_Services_Events_V1_Events.Method

/// containerd's own services.
extension RuntimeClient {
    /// Where CRI keeps its containers.
    private static let namespace = "k8s.io"
    private static let metadata: Metadata = ["containerd-namespace": "k8s.io"]

    /// containerd Tasks/Get in its namespace `k8s.io`.
    package func containerdTask(_ id: String, timeout: Duration?) async throws(RuntimeError) -> ContainerdTask {
        let answer: Tasks.Get.Output = try await unary(
            Tasks.Get.descriptor, Tasks.Get.Input.with { $0.containerID = id }, metadata: Self.metadata,
            timeout: timeout)
        return ContainerdTask(answer.process)
    }

    /// containerd Tasks/Resume.
    package func resumeContainerdTask(_ id: String, timeout: Duration?) async throws(RuntimeError) {
        let _: Tasks.Resume.Output = try await unary(
            Tasks.Resume.descriptor, Tasks.Resume.Input.with { $0.containerID = id }, metadata: Self.metadata,
            timeout: timeout)
    }

    /// The topic of the event that proves a subscription; nothing else listens to it.
    static let marker = "/nodekeep/subscribed"
    /// At most; the first ones come closer, because a dump waits for them.
    private static let markerInterval = Duration.milliseconds(20)
    private static let markerTimeout = Duration.seconds(5)

    /// containerd Events/Subscribe, of `k8s.io` the task topics and `/images/create`, whose `containerID` is the image's
    /// name: containerd makes an image of every checkpoint.
    ///
    /// containerd sends nothing, not even headers, before the first event, so that a subscription is known to be in
    /// place by nothing but an event that comes through it: an empty one of a topic of ours is published until it does.
    /// - Parameter ready: called once when the subscription is in place: no event after it is missed.
    package func containerdTaskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        let isReady = ReadyFlag()
        let request = Events.Subscribe.Input.with {
            $0.filters = [
                "namespace==\"\(Self.namespace)\",topic~=\"^/tasks/\"",
                "namespace==\"\(Self.namespace)\",topic==\"/images/create\"",
                "namespace==\"\(Self.namespace)\",topic==\"\(Self.marker)\"",
            ]
        }
        let result = await withTaskGroup(of: Result<Void, RuntimeError>?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await Self.result { () async throws(RuntimeError) in
                    try await self.stream(Events.Subscribe.descriptor, request, metadata: Self.metadata) {
                        (envelope: Events.Subscribe.Output) in
                        if envelope.topic == Self.marker {
                            if isReady.set() { await ready() }
                        } else if let event = ContainerdTaskEvent(envelope) {
                            await body(event)
                        }
                    }
                }
            }
            group.addTask {
                let outcome = await Self.result { () async throws(RuntimeError) in
                    try await self.publishMarkers(until: isReady)
                }
                if case .success = outcome { return nil }
                return outcome
            }
            while let outcome = await group.next() {
                if let outcome { return outcome }
            }
            return .success(())
        }
        try result.get()
    }

    private func publishMarkers(until isReady: ReadyFlag) async throws(RuntimeError) {
        // A type that every program of containerd knows, for those who print whatever event there is.
        let request = Events.Publish.Input.with {
            $0.topic = Self.marker
            $0.event.typeURL = "google.protobuf.Empty"
        }
        var interval = Duration.milliseconds(1)
        while !isReady.isSet {
            let _: Events.Publish.Output = try await unary(
                Events.Publish.descriptor, request, metadata: Self.metadata, timeout: Self.markerTimeout)
            // Cancelled: the next call says so.
            if !isReady.isSet { try? await Task.sleep(for: interval) }
            interval = min(interval * 2, Self.markerInterval)
        }
    }

    private static func result(
        _ body: () async throws(RuntimeError) -> Void
    ) async -> Result<Void, RuntimeError> {
        do throws(RuntimeError) {
            try await body()
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}

private final class ReadyFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    /// True for the first caller.
    func set() -> Bool { !flag.exchange(true, ordering: .relaxed) }
}
