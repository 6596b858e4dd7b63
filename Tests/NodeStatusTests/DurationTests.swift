// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("Durations as Go writes them")
struct DurationTests {
    @Test(
        "A duration is read and printed as Go does",
        arguments: [
            ("1m30s", "1m30s"), ("1.5h", "1h30m0s"), ("300ms", "300ms"), ("0", "0s"), ("-5s", "-5s"), ("5m", "5m0s"),
            ("1h", "1h0m0s"), ("100ms", "100ms"), ("+5s", "5s"), ("1us", "1µs"), ("1µs", "1µs"), ("1μs", "1µs"),
            ("1500ns", "1.5µs"), ("999ns", "999ns"), (".5s", "500ms"), ("1.s", "1s"), ("90s", "1m30s"), ("0s", "0s"),
            ("-0", "0s"), ("1h1ns", "1h0m0.000000001s"), ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
            ("0.2500000000000000000000h", "15m0s"), ("0.0000000001s", "0s"), ("1m1m", "2m0s"),
        ])
    func roundTrip(text: String, printed: String) throws {
        #expect(GoDuration.format(try GoDuration.parse(text)) == printed)
    }

    @Test(
        "What Go cannot read is refused",
        arguments: [
            "", "-", "+", "5", "s", ".s", "1x", "1m30", "1 m", " 1s", "1s ", "--1s", "1e3s", "3d",
            "99999999999999999999h", "2562048h", "9223372036854775808ns", "１s", "1.5.5s", "m1",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: SyntaxError.self) { try GoDuration.parse(text) }
        #expect(error.description.contains("is not a duration"))
    }

    @Test("Durations too long for Go are cut off")
    func extremes() {
        #expect(GoDuration.format(.seconds(Int64.max)) == "2562047h47m16.854775807s")
        #expect(GoDuration.format(.seconds(Int64.min)) == "-2562047h47m16.854775808s")
        #expect(GoDuration.format(.nanoseconds(1)) == "1ns")
    }
}
