// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The agent's own loops, as the liveness table of docs/architecture.md lists them.
package enum AgentLoop: String, Sendable, CaseIterable {
    /// Reads the node once a second.
    case collector
    /// Speaks with the web process and renders pages.
    case gate
    /// Runs on Swift concurrency: signals, housekeeping and, later, the heartbeat.
    case services

    /// How long the loop may go without a beat before it counts as stuck.
    package var limit: Duration {
        switch self {
        case .collector: .seconds(10)
        case .gate: .seconds(10)
        case .services: .seconds(30)
        }
    }
}

/// When each loop last went round. Loops write, the health checks and the watchdog read, from any thread.
package final class LoopBeats: Sendable {
    private let beats: Mutex<[AgentLoop: Duration]>

    /// Every loop gets its limit to make its first round.
    package init(startedAt start: Duration) {
        beats = Mutex(Dictionary(uniqueKeysWithValues: AgentLoop.allCases.map { ($0, start) }))
    }

    package func beat(_ loop: AgentLoop, at time: Duration) {
        beats.withLock { $0[loop] = max($0[loop] ?? time, time) }
    }

    /// The loops that have not gone round within their limit.
    package func stuck(at now: Duration) -> [AgentLoop] {
        let beats = beats.withLock { $0 }
        return AgentLoop.allCases.filter { loop in
            guard let last = beats[loop] else { return true }
            return now - last > loop.limit
        }
    }
}
