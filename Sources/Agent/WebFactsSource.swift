// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Lets the view, which the gate loop is made with, ask that same loop about its web process.
final class WebFactsSource: Sendable {
    private let loop = Mutex<GateLoop?>(nil)

    func follow(_ gate: GateLoop) {
        loop.withLock { $0 = gate }
    }

    func read() -> WebFacts {
        loop.withLock { $0 }?.webFacts ?? WebFacts()
    }
}
