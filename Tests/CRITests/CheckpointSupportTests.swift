// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method

@Suite(.timeLimit(.minutes(2))) struct CheckpointSupportTests {
    private func support(_ error: RPCError?) async throws -> CheckpointSupport {
        try await withRuntime {
            $0.on(Runtime.CheckpointContainer.descriptor) { (request: Runtime.CheckpointContainer.Input, _) in
                #expect(request.containerID == String(repeating: "0", count: 64))
                #expect(request.location == "/dev/null/checkpoint")
                if let error { throw error }
                return Runtime.CheckpointContainer.Output()
            }
        } _: {
            await $0.checkpointSupport()
        }
    }

    @Test func isThereWhereTheContainerIsWhatIsMissing() async throws {
        let error = RPCError(code: .notFound, message: "an error occurred when try to find container")
        #expect(try await support(error) == .supported)
    }

    @Test(arguments: [
        RPCError(code: .unimplemented, message: "method CheckpointContainer not implemented"),
        RPCError(code: .unknown, message: "checkpoint/restore support not available"),
    ])
    func isNotThereWhereTheRuntimeSaysSo(error: RPCError) async throws {
        #expect(try await support(error) == .unsupported(reason: error.message))
    }

    @Test func speaksOfNoContainerThatNobodyAskedFor() async throws {
        let zeros = String(repeating: "0", count: 64)
        let error = RPCError(
            code: .unknown, message: "Failed to checkpoint container \"\(zeros)\": executable file not found in $PATH")
        #expect(
            try await support(error)
                == .unsupported(reason: "Failed to checkpoint: executable file not found in $PATH"))
    }

    @Test(arguments: [
        RPCError(code: .unavailable, message: "server is not initialized yet"),
        RPCError(code: .permissionDenied, message: "no"),
    ])
    func isNotKnownWhereTheRuntimeDoesNotSay(error: RPCError) async throws {
        #expect(try await support(error) == .unknown(reason: error.message))
    }

    @Test func isNotKnownOfOneThatLies() async throws {
        guard case .unknown = try await support(nil) else {
            Issue.record("an impossible checkpoint was taken for a proof")
            return
        }
    }

    @Test func isNotKnownWithoutARuntime() async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        let support = try await withClient(of: socket) { await $0.checkpointSupport() }
        #expect(
            support
                == .unknown(
                    reason:
                        "no connection to the container runtime at \(socket) for CheckpointContainer: no such file or directory"
                ))
    }
}
