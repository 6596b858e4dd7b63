// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import NodeStatus
internal import ServiceLifecycle

/// Asks the container runtime how it is and what it has, over the client that it serves.
///
/// Every call has a timeout and runs on its own: a runtime that hangs, or only its image store, holds up nothing else.
struct RuntimeMonitor: Service {
    /// A runtime that is well answers these within milliseconds.
    private static let patience: Duration = .seconds(5)
    /// Lists of many things, or what is summed up on the way.
    private static let longPatience: Duration = .seconds(10)

    let client: any RuntimeQueries
    let state: RuntimeState
    let clock: RuntimeClock
    /// Told after every answer, from any thread.
    let publish: @Sendable (RuntimeReport) -> Void

    init(
        client: any RuntimeQueries, state: RuntimeState, clock: RuntimeClock = RuntimeClock(),
        publish: @escaping @Sendable (RuntimeReport) -> Void
    ) {
        self.client = client
        self.state = state
        self.clock = clock
        self.publish = publish
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await client.run() }
                while !Task.isCancelled {
                    for reading in state.start() { group.addTask { await make(reading) } }
                    await state.rest()
                }
                client.shutDown()
                group.cancelAll()
            }
        }
    }

    /// Makes one reading, from its call to what the report has of it.
    func make(_ reading: RuntimeSchedule.Reading) async {
        let started = clock.monotonic()
        switch reading {
        case .status: await readStatus(started)
        case .configuration:
            let driver = await ask("RuntimeConfig", "runtime_config", Self.patience) { timeout throws(RuntimeError) in
                try await client.cgroupDriver(timeout: timeout)
            }
            commit { state.take(cgroupDriver: driver, took: took(started)) }
        case .checkpointSupport:
            let support = await client.checkpointSupport()
            commit { state.take(checkpointSupport: support) }
        case .imageFileSystems:
            let all = await ask("ImageFsInfo", "image_fs_info", Self.longPatience) { timeout throws(RuntimeError) in
                try await client.imageFileSystems(timeout: timeout).images
            }
            commit { state.take(imageFileSystems: all, took: took(started)) }
        case .images:
            let images = await ask("ListImages", "list_images", Self.longPatience) { timeout throws(RuntimeError) in
                try await client.images(timeout: timeout)
            }
            commit { state.take(images: images, took: took(started)) }
        case .usage:
            let usage: Result<RuntimeUsage, RuntimeLedger.Failure>
            do throws(RuntimeLedger.Failure) {
                usage = .success(try await readUsage())
            } catch {
                usage = .failure(error)
            }
            commit { state.take(usage: usage, took: took(started)) }
        case .events:
            await followEvents(started)
            return
        }
        state.ended(reading)
    }

    /// What is cut off because the agent stops says nothing of the runtime.
    private func commit(_ body: () -> Void) {
        guard !Task.isCancelled else { return }
        body()
        publish(state.report)
    }

    private func took(_ started: Duration) -> Duration { clock.monotonic() - started }

    /// - Parameters:
    ///   - name: as CRI calls it.
    ///   - operation: as the kubelet's metrics call it.
    private func ask<Value: Sendable>(
        _ name: String, _ operation: String, _ timeout: Duration,
        _ call: (Duration) async throws(RuntimeError) -> Value
    ) async -> Result<Value, RuntimeLedger.Failure> {
        let started = clock.monotonic()
        do throws(RuntimeError) {
            let value = try await call(timeout)
            state.note(call: operation, took: took(started), failed: false)
            return .success(value)
        } catch {
            state.note(call: operation, took: took(started), failed: true)
            return .failure(RuntimeLedger.Failure(error, operation: name, timeout: timeout))
        }
    }

    private func readStatus(_ started: Duration) async {
        let status = await ask("Status", "status", Self.patience) { timeout throws(RuntimeError) in
            try await client.status(verbose: false, timeout: timeout)
        }
        switch status {
        case .failure(let failure): commit { state.failed(failure, took: took(started)) }
        case .success(let status):
            var version: Result<RuntimeVersion, RuntimeLedger.Failure>?
            if state.startVersion() {
                version = await ask("Version", "version", Self.patience) { timeout throws(RuntimeError) in
                    try await client.version(timeout: timeout)
                }
            }
            commit { state.answered(status, version: version, took: took(started)) }
        }
    }

    private func readUsage() async throws(RuntimeLedger.Failure) -> RuntimeUsage {
        let containers = try await ask("ListContainers", "list_containers", Self.longPatience) {
            timeout throws(RuntimeError) in try await client.containers(labels: [:], timeout: timeout)
        }.get()
        let sandboxes = try await ask("ListPodSandbox", "list_podsandbox", Self.longPatience) {
            timeout throws(RuntimeError) in try await client.sandboxes(labels: [:], timeout: timeout)
        }.get()
        let usages = try await ask("ListContainerStats", "list_container_stats", Self.longPatience) {
            timeout throws(RuntimeError) in try await client.containerUsages(timeout: timeout)
        }.get()
        await lookAtCgroups(containers, sandboxes)
        let podCgroups = state.podCgroups
        var sandboxUsages: [SandboxUsage] = []
        if !podCgroups.isEmpty {
            // A runtime that does not say what sandboxes use leaves their containers' sum, as in the kubelet.
            sandboxUsages =
                (try? await ask("ListPodSandboxStats", "list_podsandbox_stats", Self.longPatience) {
                    timeout throws(RuntimeError) in try await client.sandboxUsages(timeout: timeout)
                }.get()) ?? []
        }
        return RuntimeUsageTable.make(
            containers: containers, sandboxes: sandboxes, usages: usages, sandboxUsages: sandboxUsages,
            podCgroups: podCgroups)
    }

    /// One container of each new pod tells whether the pod has a cgroup of its own, once for all.
    private func lookAtCgroups(_ containers: [Container], _ sandboxes: [Sandbox]) async {
        let pods = RuntimeUsageTable.current(sandboxes)
        let running = RuntimeUsageTable.running(containers)
        var new = state.sandboxesToLookAt(among: Set(pods.keys))
        for container in running where new.contains(container.sandboxID) {
            guard let pod = pods[container.sandboxID], !Task.isCancelled else { continue }
            let details = await ask("ContainerStatus", "container_status", Self.patience) {
                timeout throws(RuntimeError) in try await client.container(container.id, timeout: timeout)
            }
            // One that has gone meanwhile says nothing; the pod's next one may.
            guard case .success(let details) = details, let path = details.cgroupsPath else { continue }
            new.remove(container.sandboxID)
            state.note(sandbox: pod.id, hasPodCgroup: RuntimeUsageTable.isPodCgroup(path, of: pod.uid))
        }
    }

    /// Containers come and go with images: the list is read again early where the runtime tells.
    private func followEvents(_ started: Duration) async {
        do throws(RuntimeError) {
            try await client.containerEvents { event in
                switch event.kind {
                case .created, .deleted: state.containersChanged()
                case .started, .stopped, .other: break
                }
            }
            state.eventsEnded(after: took(started), failure: nil)
        } catch {
            state.eventsEnded(after: took(started), failure: error)
        }
    }
}
