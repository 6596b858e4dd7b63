// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import NodeStatus
import Testing

@Suite struct JobFilesTests {
    @Test func momentsHaveNineDigits() {
        #expect(Moment(Timestamp(seconds: 0, nanoseconds: 5)).time.rfc3339Nano == "1970-01-01T00:00:00.000000005Z")
    }
}
