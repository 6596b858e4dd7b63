// SPDX-License-Identifier: Apache-2.0

internal import Gate

// libmicrohttpd's own timeout is about inactivity: one byte a second holds a connection for good. So each phase of a
// connection has a deadline of its own, which bytes do not move. A connection's first request is timed from the
// connect; a later one has idleTimeout until its request line is whole and requestTimeout from there.

extension Server {
    /// The table is walked at most twice a second, and not at all without connections.
    static let sweepInterval: Milliseconds = 500

    /// Makes sure that the loop wakes up for this deadline.
    func expect(_ deadline: Milliseconds) {
        if deadline < nextDeadline {
            nextDeadline = deadline
        }
    }

    func sweep() {
        guard now >= nextDeadline, now >= lastSweep &+ Self.sweepInterval else { return }
        lastSweep = now
        var earliest = Milliseconds.max
        var unfinished: [Connection] = []
        for listener in listeners {
            for connection in listener.connections where !connection.isShut {
                if now >= connection.deadline {
                    end(connection)
                }
                if !connection.isShut {
                    earliest = min(earliest, connection.isUnfinished ? now : connection.deadline)
                    if connection.isUnfinished { unfinished.append(connection) }
                }
            }
        }
        // A part of a request and the client's end may have come together: the library reads the one and is not told of
        // the other (its epoll is edge-triggered). So as long as something is unfinished it is looked at with each sweep.
        shutEnded(unfinished)
        nextDeadline = earliest
    }

    private func end(_ connection: Connection) {
        if case .waiting = connection.phase {
            log(.warning, "the agent did not answer a request in time")
            resume(connection, as: .resumed(.refusal(.agentSilent)))
            return
        }
        counters.connectionsTimedOut &+= 1
        connection.shut()
    }
}
