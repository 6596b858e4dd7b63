// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// When the node's status is written to its file: when it has changed, and again when that failed. A node at rest writes
/// nothing: the file says when it was written, and how the node was then.
package struct StatusFileMachine: Sendable {
    package enum Step: Equatable, Sendable {
        case wait(until: Duration?)
        case write(JSONValue)
    }

    private let random: RandomSource
    private var wanted: NodeDocument?
    private var underWay: NodeDocument?
    private var written: NodeDocument?
    private var holdUntil: Duration = .zero
    private var pauses = Backoff(first: .seconds(2), limit: .seconds(60))

    package private(set) var problem: String?

    package init(random: @escaping RandomSource) {
        self.random = random
    }

    package mutating func offer(_ document: NodeDocument) {
        wanted = document
    }

    package mutating func next(now: Duration, date: Timestamp) -> Step {
        guard let wanted, wanted != written else { return .wait(until: nil) }
        guard now >= holdUntil else { return .wait(until: holdUntil) }
        underWay = wanted
        return .write(wanted.node(date: date))
    }

    package mutating func take(_ failure: HeartbeatFailure?, now: Duration) {
        problem = failure?.description
        if let failure {
            holdUntil = now + failure.pause(&pauses, random)
        } else {
            written = underWay
            pauses.reset()
        }
    }
}
