// SPDX-License-Identifier: Apache-2.0
import Gate
import Testing

@testable import Agent

@Suite("Counters over the lives of web processes")
struct WebFactsTests {
    @Test("A new process starts from nothing and the totals never go back")
    func carry() {
        var facts = WebFacts()
        facts.carryCounters()
        facts.counters.connectionsAccepted = 5
        facts.counters.connectionsOpen = 3
        facts.counters.served = [ServedCount(path: "/", listener: .local, status: 200, count: 4)]
        facts.counters.refused = [RefusedCount(reason: "host", status: 403, count: 1)]
        facts.carryCounters()
        facts.counters.connectionsAccepted = 2
        facts.counters.served = [ServedCount(path: "/", listener: .local, status: 200, count: 1)]
        #expect(facts.total.connectionsAccepted == 7)
        #expect(facts.total.connectionsOpen == 0)
        #expect(facts.total.served == [ServedCount(path: "/", listener: .local, status: 200, count: 5)])
        #expect(facts.total.refused.map(\.count) == [1])
    }

    @Test("A web process that lies about its counters cannot trap the agent or grow it")
    func lies() {
        var facts = WebFacts()
        facts.counters.connectionsAccepted = .max
        facts.counters.served = (0..<1_000).map {
            ServedCount(path: "/\($0)", listener: .local, status: 200, count: .max)
        }
        facts.counters.refused = [RefusedCount](
            repeating: RefusedCount(reason: "x", status: 400, count: .max), count: 9)
        facts.carryCounters()
        facts.counters = facts.before
        #expect(facts.total.connectionsAccepted == .max)
        #expect(facts.total.served.count <= 128)
        #expect(facts.total.refused.map(\.count) == [.max])
    }
}
