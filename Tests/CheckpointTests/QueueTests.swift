// SPDX-License-Identifier: Apache-2.0
import CRI
import Checkpoint
import Testing

@Suite("Job queue")
struct JobQueueTests {
    private func limits(_ running: Int, _ perContainer: Int, _ total: Int) -> JobQueue.Limits {
        var limits = JobQueue.Limits()
        (limits.running, limits.queuedPerContainer, limits.total) = (running, perContainer, total)
        return limits
    }

    @Test("One at a time per container, two per node, in the order of arrival")
    func order() {
        var queue = JobQueue()
        for (id, container) in [("1", "a"), ("2", "a"), ("3", "b"), ("4", "c")] {
            queue.append(id, container: container)
        }
        #expect(queue.startNext() == "1")
        // 2 waits for 1, so 3 overtakes it.
        #expect(queue.startNext() == "3")
        #expect(queue.startNext() == nil)
        #expect(queue.position(of: "2") == 1)
        #expect(queue.position(of: "4") == 2)
        #expect(queue.position(of: "1") == nil)
        queue.remove("3")
        #expect(queue.startNext() == "4")
        queue.remove("1")
        #expect(queue.startNext() == "2")
        #expect(queue.startNext() == nil)
    }

    @Test("Beyond its limits it refuses and says by how many")
    func refusals() {
        var queue = JobQueue(limits: limits(1, 2, 4))
        #expect(queue.refusal(container: "a") == nil)
        queue.append("1", container: "a")
        _ = queue.startNext()
        queue.append("2", container: "a")
        queue.append("3", container: "a")
        #expect(queue.refusal(container: "a") == .containerFull(2))
        #expect(queue.refusal(container: "b") == nil)
        queue.append("4", container: "b")
        #expect(queue.refusal(container: "b") == .nodeFull(4))
        queue.remove("4")
        #expect(queue.refusal(container: "b") == nil)
    }

    @Test("A job of an earlier agent counts as running")
    func adopted() {
        var queue = JobQueue(limits: limits(2, 16, 64))
        queue.adopt("old", container: "a")
        queue.adopt("old", container: "a")
        queue.append("new", container: "a")
        #expect(queue.startNext() == nil)
        #expect(queue.running == ["old"])
        queue.remove("old")
        #expect(queue.startNext() == "new")
        #expect(!queue.isWaiting("new"))
        queue.remove("new")
        #expect(queue.isEmpty)
    }
}

@Suite("Container lookup")
struct ContainerLookupTests {
    private func sandbox(_ id: String, attempt: UInt32 = 0, ready: Bool = true, created: Int64 = 0) -> Sandbox {
        Sandbox(
            id: id, name: "web", uid: "uid-" + id, namespace: "shop", attempt: attempt, isReady: ready,
            createdAt: created, labels: [:])
    }

    private func container(
        _ id: String, in sandbox: String, name: String = "app", state: ContainerState = .running, attempt: UInt32 = 0,
        created: Int64 = 0, pod: String = "web"
    ) -> Container {
        Container(
            id: id, sandboxID: sandbox, name: name, attempt: attempt, image: "image", state: state, createdAt: created,
            labels: [
                ContainerLookup.podNamespace: "shop", ContainerLookup.podName: pod,
                ContainerLookup.podUID: "uid-" + sandbox, ContainerLookup.containerName: name,
            ])
    }

    private func choose(_ sandboxes: [Sandbox], _ containers: [Container], name: String = "app") -> ContainerLookup {
        ContainerLookup.choose(
            namespace: "shop", pod: "web", container: name, sandboxes: sandboxes, containers: containers)
    }

    private func id(_ lookup: ContainerLookup) -> String? {
        if case .found(let identity) = lookup { identity.containerID } else { nil }
    }

    @Test("No pod, no container, not running")
    func missing() {
        #expect(choose([], []) == .noPod)
        #expect(choose([], [container("1", in: "s", pod: "other")]) == .noPod)
        #expect(choose([sandbox("s")], []) == .noContainer)
        #expect(choose([], [container("1", in: "s", name: "side")]) == .noContainer)
        #expect(choose([sandbox("s")], [container("1", in: "s", state: .exited)]) == .notRunning(.exited))
        #expect(
            choose(
                [sandbox("s")],
                [container("1", in: "s", state: .exited), container("2", in: "s", state: .created, attempt: 1)])
                == .notRunning(.created))
    }

    @Test("The infrastructure container is nobody's")
    func infrastructure() {
        #expect(choose([sandbox("s")], [container("1", in: "s", name: "POD")], name: "POD") == .noContainer)
    }

    @Test("Of an old and a new sandbox the ready one of the highest attempt")
    func sandboxes() {
        let old = sandbox("old", attempt: 0, ready: false, created: 9)
        let new = sandbox("new", attempt: 1, ready: true, created: 5)
        let both = [container("1", in: "old", attempt: 7, created: 99), container("2", in: "new", created: 1)]
        #expect(id(choose([old, new], both)) == "2")
        #expect(id(choose([old, new], [both[0]])) == "1")
        #expect(
            id(choose([old, new], [both[0], container("2", in: "new", state: .exited)])) == "1")
    }

    @Test("Of several that run in one sandbox the last attempt; the identity is pinned with it")
    func attempts() {
        let lookup = choose(
            [sandbox("s")],
            [container("1", in: "s", attempt: 1, created: 9), container("2", in: "s", attempt: 2, created: 3)])
        #expect(
            lookup
                == .found(
                    ContainerIdentity(
                        namespace: "shop", pod: "web", podUID: "uid-s", container: "app", containerID: "2",
                        sandboxID: "s", attempt: 2, image: "image")))
    }
}
