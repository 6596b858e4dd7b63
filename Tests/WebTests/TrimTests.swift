// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Web

@Suite("Memory is given back after a crowd")
struct TrimTests {
    @Test func onceForEachCrowd() {
        var trim = Trim()
        let moments: [(accepted: UInt64, open: UInt64)] = [(63, 0), (400, 256), (400, 16), (463, 0), (464, 0)]
        let due = moments.map { trim.isDue(accepted: $0.accepted, open: $0.open) }
        #expect(due == [false, false, true, false, true])
    }
}
