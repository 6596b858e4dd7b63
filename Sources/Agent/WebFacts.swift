// SPDX-License-Identifier: Apache-2.0
internal import Gate

/// What the agent knows about the web process and those before it.
struct WebFacts: Sendable {
    /// Nil while there is none.
    var processID: Int32?
    var isReady = false
    /// Web processes started so far.
    var starts: UInt64 = 0
    /// Of the present process.
    var counters = WebCounters()
    /// Of all that came before it, so that the metrics never go back.
    private(set) var before = WebCounters()

    /// Takes in what another process and those before it have counted.
    mutating func alsoCounts(_ other: WebFacts) { before = before.adding(other.total) }

    /// A new process counts from nothing: what the last one counted is kept.
    mutating func carryCounters() {
        before = total
        counters = WebCounters()
    }

    /// Of all web processes together.
    var total: WebCounters { before.adding(counters) }
}
