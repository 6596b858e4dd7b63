// SPDX-License-Identifier: Apache-2.0
internal import API

/// One request of one web process.
struct LongCallID: Hashable, Sendable {
    var web: Int32
    var request: UInt64
}

/// What takes requests over that are not answered at once. All of it returns at once.
protocol LongCalls: Sendable {
    /// Begins a checkpoint. `reply` is called once, on any thread, unless the call is cancelled before.
    ///
    /// - Returns: after which time there will be an answer.
    func begin(
        _ call: CheckpointCall, _ id: LongCallID, reply: @escaping @Sendable (CheckpointAnswer) -> Void
    ) -> Duration

    /// The caller has left: what has not been started for it need not start.
    func cancel(_ id: LongCallID)

    /// Every caller of this web process has left.
    func cancelAll(web: Int32)
}
