// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import NodeStatus
import Testing

@Suite struct ArchiveNameTests {
    private let time = Timestamp(rfc3339: "2026-11-21T06:12:33.123456789Z")!

    private func name(
        pod: String = "counter-node1", namespace: String = "default", container: String = "count",
        time: Timestamp? = nil
    ) throws -> ArchiveName {
        try ArchiveName(namespace: namespace, pod: pod, container: container, time: time ?? self.time)
    }

    private func refusal(_ body: () throws -> ArchiveName) -> String? {
        do { _ = try body() } catch { return "\(error)" }
        return nil
    }

    @Test func isTheKubeletsWithNanosecondsInUTC() throws {
        #expect(
            try name().fileName == "checkpoint-counter-node1_default-count-2026-11-21T06:12:33.123456789Z.tar")
        #expect(
            try name(time: Timestamp(seconds: 0)).fileName
                == "checkpoint-counter-node1_default-count-1970-01-01T00:00:00.000000000Z.tar")
    }

    @Test func has255BytesAtMost() throws {
        // 48 bytes are not names.
        let pod = String(repeating: "p", count: 255 - 48 - 63 - 63)
        let label = String(repeating: "l", count: 63)
        #expect(try name(pod: pod, namespace: label, container: label).fileName.utf8.count == 255)
        let refused = refusal { try name(pod: pod + "p", namespace: label, container: label) }
        #expect(
            refused
                == "the archive's file name would be 256 bytes long, and a file name can have 255: "
                + "pod, namespace and container name together may have 207 bytes")
    }

    @Test(arguments: ["", "a/b", "..", "A", "a_b", "-a", "a-", "a\0", "a b", "é"]) func partsAreKubernetesNames(
        _ part: String
    ) {
        #expect(refusal { try name(pod: part) } != nil)
        #expect(refusal { try name(namespace: part) } != nil)
        #expect(refusal { try name(container: part) } != nil)
    }

    @Test func dotsAreForPodsOnly() throws {
        #expect(try name(pod: "a.b-0").pod == "a.b-0")
        #expect(
            refusal { try name(namespace: "a.b") }
                == "the namespace: \"a.b\" is not a name that Kubernetes has: it is not a DNS-1123 label "
                + "(lower-case letters, digits and '-', a letter or digit at both ends)")
        #expect(refusal { try name(container: "a.b") } != nil)
        #expect(refusal { try name(container: String(repeating: "c", count: 64)) }?.contains("longer than 63") == true)
        #expect(refusal { try name(pod: String(repeating: "c", count: 254)) }?.contains("longer than 253") == true)
    }

    @Test func theNextIsANanosecondLater() throws {
        #expect(try name().bumped().time.rfc3339Nano == "2026-11-21T06:12:33.123456790Z")
        let last = Timestamp(rfc3339: "2026-12-31T23:59:59.999999999Z")!
        #expect(try name(time: last).bumped().time.rfc3339Nano == "2027-01-01T00:00:00.000000000Z")
        let end = Timestamp(seconds: 253_402_300_799, nanoseconds: 999_999_999)
        #expect(refusal { try name(time: end).bumped() }?.contains("clock") == true)
        #expect(refusal { try name(time: Timestamp(seconds: -1)) }?.contains("clock") == true)
        #expect(
            refusal { try name(time: Timestamp(seconds: 0, nanoseconds: 1_000_000_000)) }?.contains("clock") == true)
    }
}
