// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import NodeStatus
import Testing

@Suite struct JobIDTests {
    private let second = Timestamp(rfc3339: "2026-11-21T06:12:33Z")!

    @Test func namesTheSecondAndTheRandomBits() {
        #expect(JobID(time: second, random: 0x4f9a_2c1b).description == "20261121t061233-4f9a2c1b")
        #expect(JobID(time: second, random: 7).description == "20261121t061233-00000007")
        #expect(JobID(time: Timestamp(seconds: -5), random: .max).description == "19700101t000000-ffffffff")
        #expect(JobID(time: Timestamp(seconds: .max), random: 0).description == "99991231t235959-00000000")
    }

    @Test func everyOneIsReadBack() {
        for _ in 0..<1000 {
            let id = JobID.make(time: Timestamp(seconds: .random(in: 0...253_402_300_799)))
            #expect(JobID(id.description) == id)
        }
        #expect(JobID.make(time: second) != JobID.make(time: second))
    }

    @Test(arguments: [
        "", ".", "..", "records", "removed-20261121t061233-4f9a2c1b", "20261121t061233-4f9a2c1",
        "20261121T061233-4f9a2c1b",
        "20261121t061233-4F9A2C1B", "20261121t061233-+f9a2c1b", "20261121t061233_4f9a2c1b", "20260231t061233-4f9a2c1b",
        "20261321t061233-4f9a2c1b", "20261121t251233-4f9a2c1b", "20261121t061260-4f9a2c1b", "20261121t061233-4f9a2c1b0",
        "20261121t061233-4f9a2c1g", "2026112\u{661}t061233-4f9a2c1", "20261121t061233-4f9a2c1\0",
    ]) func nothingElseIsOne(_ text: String) {
        #expect(JobID(text) == nil)
    }

    @Test func theyAreInTheOrderOfTime() {
        let later = JobID(time: Timestamp(rfc3339: "2026-11-21T06:12:34Z")!, random: 0)
        #expect(JobID(time: second, random: .max) < later)
    }
}
