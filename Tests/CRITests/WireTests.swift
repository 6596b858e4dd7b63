// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method
private typealias Images = Runtime_V1_ImageService.Method

@Suite(.timeLimit(.minutes(2))) struct WireTests {
    /// As CRI-O wants them: it tells gRPC from HTTP by exactly this type.
    @Test func sendsTheHeadersThatTheKubeletSends() async throws {
        let sent = Recorder<Metadata>()
        try await withRuntime {
            $0.on(Runtime.Version.descriptor) { (_: Runtime.Version.Input, metadata) in
                sent.append(metadata)
                return Runtime.Version.Output()
            }
        } _: {
            _ = try await $0.version(timeout: nil)
            _ = try await $0.version(timeout: .seconds(100))
        }
        let metadata = sent.all
        #expect(
            metadata.map { Array($0[stringValues: "content-type"]) } == [["application/grpc"], ["application/grpc"]])
        #expect(metadata.map { Array($0[stringValues: ":authority"]) } == [["localhost"], ["localhost"]])
        #expect(metadata.map { Array($0[stringValues: "grpc-timeout"]).count } == [0, 1])
    }

    @Test(arguments: [Duration.seconds(-5), .zero, .nanoseconds(1), .seconds(Int64.max)])
    func hasADeadlineForEveryTimeout(timeout: Duration) async throws {
        let hasAnswered = try await withRuntime {
            $0.on(Runtime.Version.descriptor) { (_: Runtime.Version.Input, _) in Runtime.Version.Output() }
        } _: { client in
            do {
                _ = try await client.version(timeout: timeout)
                return true
            } catch {
                return false
            }
        }
        #expect(hasAnswered == (timeout > .seconds(1)))
    }

    @Test func namesContainerdsNamespaceToContainerd() async throws {
        let task = try await withRuntime {
            $0.on(Containerd_Services_Tasks_V1_Tasks.Method.Get.descriptor) {
                (request: Containerd_Services_Tasks_V1_GetRequest, metadata) in
                #expect(request.containerID == "c1")
                #expect(Array(metadata[stringValues: "containerd-namespace"]) == ["k8s.io"])
                return Containerd_Services_Tasks_V1_GetResponse.with {
                    $0.process.pid = 12
                    $0.process.status = .paused
                }
            }
            $0.on(Containerd_Services_Tasks_V1_Tasks.Method.Resume.descriptor) {
                (request: Containerd_Services_Tasks_V1_ResumeTaskRequest, metadata) in
                #expect(request.containerID == "c1")
                #expect(Array(metadata[stringValues: "containerd-namespace"]) == ["k8s.io"])
                return Containerd_Services_Tasks_V1_ResumeTaskResponse()
            }
        } _: {
            try await $0.resumeContainerdTask("c1", timeout: nil)
            return try await $0.containerdTask("c1", timeout: nil)
        }
        #expect(task == ContainerdTask(processID: 12, status: .paused))
    }

    /// CRI-O's multiplexer sends its own settings before the gRPC server behind it does.
    @Test func takesTwoFramesOfSettings() async throws {
        let version = try await withRawRuntime { connection in
            try await connection.send(RawConnection.settings)
            try await connection.readPreface()
            try await connection.send(RawConnection.settings)
            while true {
                let stream = try await connection.readRequest()
                let answer = Runtime.Version.Output.with { $0.runtimeName = "cri-o" }
                try await connection.send(
                    RawConnection.head(stream), RawConnection.message(stream, answer.serializedBytes()),
                    RawConnection.trailers(stream))
            }
        } _: {
            try await $0.version(timeout: nil)
        }
        #expect(version.name == "cri-o")
    }

    @Test func takesSixteenMebibytes() async throws {
        let images = try await withRuntime {
            $0.on(Images.ListImages.descriptor) { (_: Images.ListImages.Input, _) in
                Images.ListImages.Output.with {
                    // Just below the limit, with the messages' own overhead.
                    $0.images = (0..<4_000).map { number in
                        .with {
                            $0.id = "\(number)"
                            $0.repoTags = [String(repeating: "x", count: 4_096), "y"]
                        }
                    }
                }
            }
        } _: {
            try await $0.images(timeout: nil)
        }
        #expect(images.count == 4_000)
        #expect(images.last?.tags.map(\.utf8.count) == [4_096, 1])
    }

    @Test func refusesMore() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime { connection in
                try await connection.send(RawConnection.settings)
                try await connection.readPreface()
                let stream = try await connection.readRequest()
                try await connection.send(
                    RawConnection.head(stream), RawConnection.message(stream, [8, 1], length: 16 << 20 | 1))
                _ = try await connection.readFrame()
            } _: {
                _ = try await $0.images(timeout: nil)
            }
        }
        #expect(
            error
                == RuntimeError(
                    .resourceExhausted, "the answer to ListImages is larger than 16 MiB, which is as much as is taken"))
    }
}
