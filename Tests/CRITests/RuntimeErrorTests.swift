// SPDX-License-Identifier: Apache-2.0
import CRI
import Testing

@Suite(.timeLimit(.minutes(2))) struct RuntimeErrorTests {
    @Test func isWordedAsGRPCGoDoes() {
        let error = RuntimeError(.unimplemented, "method CheckpointContainer not implemented")
        #expect("\(error)" == "rpc error: code = Unimplemented desc = method CheckpointContainer not implemented")
    }
}
