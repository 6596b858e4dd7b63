// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method
private typealias Images = Runtime_V1_ImageService.Method

@Suite(.timeLimit(.minutes(2))) struct RuntimeCallTests {
    @Test func asksForTheVersionAsTheKubeletDoes() async throws {
        let version = try await withRuntime {
            $0.on(Runtime.Version.descriptor) { (request: Runtime.Version.Input, _) in
                #expect(request.version == "0.1.0")
                return Runtime.Version.Output.with {
                    $0.version = "0.1.0"
                    $0.runtimeName = "containerd"
                    $0.runtimeVersion = "v2.1.9"
                    $0.runtimeApiVersion = "v1"
                }
            }
        } _: {
            try await $0.version(timeout: .seconds(10))
        }
        #expect(version == RuntimeVersion(name: "containerd", version: "v2.1.9", apiVersion: "v1"))
    }

    @Test func passesOnWhatTheRuntimeSays() async throws {
        await #expect(throws: RuntimeError(.unavailable, "server is not initialized yet")) {
            try await withRuntime {
                $0.on(Runtime.Version.descriptor) { (_: Runtime.Version.Input, _) -> Runtime.Version.Output in
                    throw RPCError(code: .unavailable, message: "server is not initialized yet")
                }
            } _: {
                _ = try await $0.version(timeout: nil)
            }
        }
    }

    @Test func hasACodeForAMethodThatTheRuntimeLacks() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRuntime({ _ in }) { _ = try await $0.cgroupDriver(timeout: nil) }
        }
        #expect(error?.code == .unimplemented)
        #expect(error?.isConnectionLoss == false)
    }

    @Test func selectsContainersByTheirLabels() async throws {
        let containers = try await withRuntime {
            $0.on(Runtime.ListContainers.descriptor) { (request: Runtime.ListContainers.Input, _) in
                #expect(request.filter.labelSelector == ["io.kubernetes.pod.name": "web"])
                return Runtime.ListContainers.Output.with {
                    $0.containers = [
                        .with {
                            $0.id = "c1"
                            $0.podSandboxID = "s1"
                            $0.metadata.name = "app"
                            $0.metadata.attempt = 3
                            $0.image.image = "sha256:1"
                            $0.image.userSpecifiedImage = "registry/app:1"
                            $0.state = .containerRunning
                            $0.createdAt = 42
                            $0.labels = ["a": "b"]
                        }
                    ]
                }
            }
        } _: {
            try await $0.containers(labels: ["io.kubernetes.pod.name": "web"], timeout: nil)
        }
        #expect(
            containers == [
                Container(
                    id: "c1", sandboxID: "s1", name: "app", attempt: 3, image: "registry/app:1", state: .running,
                    createdAt: 42, labels: ["a": "b"])
            ])
    }

    @Test func readsTheProcessAndItsCgroupFromTheVerboseAnswer() async throws {
        let details = try await withRuntime {
            $0.on(Runtime.ContainerStatus.descriptor) { (request: Runtime.ContainerStatus.Input, _) in
                #expect(request.containerID == "c1")
                #expect(request.verbose)
                return Runtime.ContainerStatus.Output.with {
                    $0.status.id = "c1"
                    $0.status.state = .containerRunning
                    $0.status.startedAt = 7
                    $0.status.image.image = "registry/app:1"
                    $0.status.logPath = "/var/log/pods/app/0.log"
                    $0.info["info"] = #"{"pid":4242,"runtimeSpec":{"linux":{"cgroupsPath":"kubepods.slice:cri:c1"}}}"#
                }
            }
        } _: {
            try await $0.container("c1", timeout: nil)
        }
        #expect(
            details
                == ContainerDetails(
                    id: "c1", state: .running, image: "registry/app:1", startedAt: 7,
                    logPath: "/var/log/pods/app/0.log", processID: 4242, cgroupsPath: "kubepods.slice:cri:c1",
                    labels: [:]))
    }

    @Test func sendsNoDeadlineAndNoTimeoutWithACheckpoint() async throws {
        try await withRuntime {
            $0.on(Runtime.CheckpointContainer.descriptor) { (request: Runtime.CheckpointContainer.Input, _) in
                #expect(request.containerID == "c1")
                #expect(request.location == "/var/lib/kubelet/checkpoints/a.tar")
                #expect(request.timeout == 0)
                return Runtime.CheckpointContainer.Output()
            }
        } _: {
            try await $0.checkpoint("c1", location: "/var/lib/kubelet/checkpoints/a.tar", timeout: nil)
        }
    }

    @Test func endsWithTheRuntimesEvents() async throws {
        let events = Recorder<ContainerEvent>()
        try await withRuntime {
            $0.onStream(Runtime.GetContainerEvents.descriptor) {
                (_: Runtime.GetContainerEvents.Input, send: (Runtime.GetContainerEvents.Output) async throws -> Void) in
                for type in [Runtime_V1_ContainerEventType.containerStartedEvent, .UNRECOGNIZED(77)] {
                    try await send(
                        .with {
                            $0.containerID = "c1"
                            $0.containerEventType = type
                            $0.createdAt = 9
                        })
                }
            }
        } _: {
            try await $0.containerEvents { events.append($0) }
        }
        #expect(
            events.all == [
                ContainerEvent(containerID: "c1", kind: .started, createdAt: 9),
                ContainerEvent(containerID: "c1", kind: .other(77), createdAt: 9),
            ])
    }
}
