// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Counters from a web process in a stranger's hands")
struct CounterValidationTests {
    private func counters(paths: [String] = [], reasons: [String] = []) -> WebCounters {
        var counters = WebCounters()
        counters.served = paths.map { ServedCount(path: $0, listener: .main, status: 200, count: .max) }
        counters.refused = reasons.map { RefusedCount(reason: $0, status: 400, count: .max) }
        return counters
    }

    @Test("Honest ones are valid")
    func honest() throws {
        try counters().validate()
        try counters(paths: ["/", "/metrics/resource"], reasons: ["malformed", "busy"]).validate()
        try counters(paths: (0..<128).map { "/\($0)" }, reasons: (0..<128).map { "\($0)" }).validate()
    }

    @Test(
        "Names are short and visible",
        arguments: ["a b", "/\u{0}", "\n", "\u{1b}[0m", "é", String(repeating: "a", count: 65)])
    func names(name: String) {
        #expect(throws: GateError.badCounters("the name of a page")) { try counters(paths: ["/", name]).validate() }
        #expect(throws: GateError.badCounters("the name of a reason")) { try counters(reasons: [name]).validate() }
    }

    @Test("There are not more of them than there can be")
    func rows() {
        let names = (0..<129).map { "\($0)" }
        #expect(throws: GateError.badCounters("too many rows")) { try counters(paths: names).validate() }
        #expect(throws: GateError.badCounters("too many rows")) { try counters(reasons: names).validate() }
    }
}
