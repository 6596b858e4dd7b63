// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

extension Timestamp {
    /// Reads a `metav1.MicroTime` (apimachinery/pkg/apis/meta/v1/micro_time.go). The API server takes and gives exactly
    /// six digits, which `rfc3339Micro` writes; here any number up to nine is good, and an offset as RFC 3339 has it.
    ///
    /// - Parameter text: `2026-01-02T03:04:05.123456Z`. Nil: it is something else.
    package init?(microTime text: String) {
        if text.hasSuffix("Z") {
            self.init(rfc3339: text)
            return
        }
        // `+02:00`: what stands there is local time.
        let bytes = Array(text.utf8)
        guard bytes.count > 6, let offset = Self.offset(bytes.suffix(6)),
            let local = Timestamp(rfc3339: String(decoding: bytes.dropLast(6), as: UTF8.self) + "Z")
        else { return nil }
        self.init(seconds: local.seconds - offset, nanoseconds: local.nanoseconds)
    }

    private static func offset(_ text: ArraySlice<UInt8>) -> Int64? {
        let bytes = Array(text)
        guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"),
            bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            [1, 2, 4, 5].allSatisfy({ (0x30...0x39).contains(bytes[$0]) })
        else { return nil }
        let hours = Int64(bytes[1] - 0x30) * 10 + Int64(bytes[2] - 0x30)
        let minutes = Int64(bytes[4] - 0x30) * 10 + Int64(bytes[5] - 0x30)
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 3_600 + minutes * 60) * (bytes[0] == UInt8(ascii: "-") ? -1 : 1)
    }
}
