// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method
private typealias Images = Runtime_V1_ImageService.Method

@Suite(.timeLimit(.minutes(2))) struct HostileAnswerTests {
    private static let descriptors = [
        Runtime.Version.descriptor, Runtime.Status.descriptor, Runtime.RuntimeConfig.descriptor,
        Runtime.ListPodSandbox.descriptor, Runtime.ListContainers.descriptor, Runtime.ContainerStatus.descriptor,
        Runtime.ContainerStats.descriptor, Runtime.ListContainerStats.descriptor,
        Runtime.ListPodSandboxStats.descriptor, Images.ListImages.descriptor, Images.ImageFsInfo.descriptor,
        Containerd_Services_Tasks_V1_Tasks.Method.Get.descriptor,
    ]

    private static func all(_ client: RuntimeClient) async -> [RuntimeError?] {
        let calls: [() async throws -> Void] = [
            { _ = try await client.version(timeout: nil) },
            { _ = try await client.status(verbose: true, timeout: nil) },
            { _ = try await client.cgroupDriver(timeout: nil) },
            { _ = try await client.sandboxes(labels: [:], timeout: nil) },
            { _ = try await client.containers(labels: [:], timeout: nil) },
            { _ = try await client.container("c1", timeout: nil) },
            { _ = try await client.usage(of: "c1", timeout: nil) },
            { _ = try await client.containerUsages(timeout: nil) },
            { _ = try await client.sandboxUsages(timeout: nil) },
            { _ = try await client.images(timeout: nil) }, { _ = try await client.imageFileSystems(timeout: nil) },
            { _ = try await client.containerdTask("c1", timeout: nil) },
        ]
        var errors: [RuntimeError?] = []
        for call in calls {
            do {
                try await call()
                errors.append(nil)
            } catch {
                errors.append(error as? RuntimeError)
            }
        }
        return errors
    }

    private static func errors(answering bytes: [UInt8]) async throws -> [RuntimeError?] {
        try await withRuntime {
            for descriptor in descriptors { $0.onBytes(descriptor) { _, _ in bytes } }
        } _: {
            await all($0)
        }
    }

    @Test func canBeEmpty() async throws {
        let errors = try await Self.errors(answering: [])
        // Only the cgroup driver must be told.
        #expect(errors.compactMap { $0?.code } == [.unimplemented])
    }

    @Test(arguments: [[0xFF], [0x0A, 0x7F], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x0F, 1]])
    func canBeNonsense(bytes: [UInt8]) async throws {
        let errors = try await Self.errors(answering: bytes)
        #expect(errors.map { $0?.code } == Array(repeating: .internalError, count: Self.descriptors.count))
        #expect(errors.allSatisfy { $0?.isConnectionLoss == false })
    }

    @Test func canHaveTextThatIsNone() async throws {
        let error = try await withRuntime {
            $0.onBytes(Runtime.Version.descriptor) { _, _ in [0x12, 2, 0xC3, 0x28] }
        } _: { client in
            await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
        }
        #expect(error?.code == .internalError)
        #expect(error?.message == "the runtime's answer cannot be decoded: invalidUTF8")
    }

    @Test func canHaveAbsurdNumbers() async throws {
        let usages = try await withRuntime {
            $0.on(Runtime.ListPodSandboxStats.descriptor) { (_: Runtime.ListPodSandboxStats.Input, _) in
                Runtime.ListPodSandboxStats.Output.with {
                    $0.stats = [
                        .with {
                            $0.attributes.metadata.attempt = .max
                            $0.linux.cpu.timestamp = .min
                            $0.linux.cpu.usageCoreNanoSeconds.value = .max
                            $0.linux.containers = [Int64.min, .max].map { timestamp in
                                .with {
                                    $0.swap.timestamp = timestamp
                                    $0.swap.swapUsageBytes.value = .max
                                }
                            }
                        }
                    ]
                }
            }
        } _: {
            try await $0.sandboxUsages(timeout: nil)
        }
        #expect(usages.count == 1)
        #expect(usages.first?.cpuTimestamp == .min)
        #expect(usages.first?.cpuNanoseconds == .max)
        #expect(usages.first?.workingSet == nil)
        #expect(usages.first?.swapUsage == .max)
        #expect(usages.first?.swapTimestamp == .max)
    }

    @Test func canHaveStatesThatNobodyKnows() async throws {
        let state = try await withRuntime {
            $0.on(Runtime.ContainerStatus.descriptor) { (_: Runtime.ContainerStatus.Input, _) in
                Runtime.ContainerStatus.Output.with { $0.status.state = .UNRECOGNIZED(99) }
            }
            $0.on(Runtime.RuntimeConfig.descriptor) { (_: Runtime.RuntimeConfig.Input, _) in
                Runtime.RuntimeConfig.Output.with { $0.linux.cgroupDriver = .UNRECOGNIZED(-1) }
            }
            $0.on(Containerd_Services_Tasks_V1_Tasks.Method.Get.descriptor) {
                (_: Containerd_Services_Tasks_V1_GetRequest, _) in
                Containerd_Services_Tasks_V1_GetResponse.with { $0.process.status = .UNRECOGNIZED(6) }
            }
        } _: { client in
            await #expect(throws: RuntimeError.self) { try await client.cgroupDriver(timeout: nil) }
            #expect(try await client.containerdTask("c1", timeout: nil).status == .unknown)
            return try await client.container("c1", timeout: nil).state
        }
        #expect(state == .unknown)
    }

    @Test func canBeOfThousandsOfContainersWithoutMetadata() async throws {
        let containers = try await withRuntime {
            $0.on(Runtime.ListContainers.descriptor) { (_: Runtime.ListContainers.Input, _) in
                Runtime.ListContainers.Output.with {
                    $0.containers = (0..<20_000).map { number in .with { $0.id = "\(number)" } }
                }
            }
        } _: {
            try await $0.containers(labels: [:], timeout: nil)
        }
        #expect(containers.count == 20_000)
        #expect(containers.last?.id == "19999")
        #expect(containers.last?.name == "")
    }

    @Test func canHaveNamesOfAnyLength() async throws {
        let long = String(repeating: "é", count: 1 << 20)
        let details = try await withRuntime {
            $0.on(Runtime.ContainerStatus.descriptor) { (_: Runtime.ContainerStatus.Input, _) in
                Runtime.ContainerStatus.Output.with {
                    $0.status.id = "x" + long
                    $0.status.logPath = long
                    $0.status.labels = ["a": long, long: "b"]
                }
            }
        } _: {
            try await $0.container("c1", timeout: nil)
        }
        // Cut between two characters.
        #expect(details.id.utf8.count == 4_095)
        #expect(details.logPath.utf8.count == 4_096)
        #expect(details.labels["a"]?.utf8.count == 4_096)
        #expect(details.labels.keys.map(\.utf8.count).sorted() == [1, 4_096])
    }

    @Test func canBeALongComplaint() async throws {
        let error = try await withRuntime {
            $0.on(Runtime.Version.descriptor) { (_: Runtime.Version.Input, _) -> Runtime.Version.Output in
                throw RPCError(code: .unknown, message: String(repeating: "x", count: 12_000))
            }
        } _: { client in
            await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
        }
        #expect(error?.code == .unknown)
        #expect(error?.message.utf8.count == RuntimeError.messageLimit)
    }
}
