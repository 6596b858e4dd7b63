// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method

@Suite(.timeLimit(.minutes(2))) struct CancellationTests {
    @Test func reachesTheRuntime() async throws {
        let (requests, requested) = AsyncStream<Void>.makeStream()
        let (resets, reset) = AsyncStream<[UInt8]>.makeStream()
        try await withRawRuntime { connection in
            try await connection.send(RawConnection.settings)
            try await connection.readPreface()
            _ = try await connection.readRequest()
            requested.yield()
            while true {
                let frame = try await connection.readFrame()
                if frame.kind == RawConnection.Kind.reset { reset.yield(frame.payload) }
            }
        } _: { client in
            let call = Task { try await client.version(timeout: nil) }
            for await _ in requests { break }
            call.cancel()
            await #expect(throws: RuntimeError(.cancelled, "Version was cancelled")) { try await call.value }
            // CANCEL, RFC 9113, section 7.
            for await code in resets {
                #expect(code == RawConnection.bytes(8))
                break
            }
        }
    }

    @Test func doesNotReachACheckpoint() async throws {
        let (requests, requested) = AsyncStream<Void>.makeStream()
        let (cancellations, cancelled) = AsyncStream<Void>.makeStream()
        try await withRuntime {
            $0.on(Runtime.CheckpointContainer.descriptor) { (_: Runtime.CheckpointContainer.Input, _) in
                requested.yield()
                for await _ in cancellations { break }
                return Runtime.CheckpointContainer.Output()
            }
        } _: { client in
            let call = Task { try await client.checkpoint("c1", location: "/a.tar", timeout: nil) }
            for await _ in requests { break }
            call.cancel()
            cancelled.yield()
            try await call.value
        }
    }
}
