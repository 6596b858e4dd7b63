// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// C text as bytes; empty for NULL.
func bytes(_ text: UnsafePointer<CChar>?, _ size: Int) -> UnsafeBufferPointer<UInt8> {
    guard let text, size > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: size)
}

func cStringSize(_ text: UnsafePointer<CChar>) -> Int {
    Int(clamping: strlen(text))
}

func equal(_ text: UnsafePointer<CChar>, _ other: StaticString) -> Bool {
    UnsafeRawPointer(other.utf8Start).withMemoryRebound(to: CChar.self, capacity: other.utf8CodeUnitCount + 1) {
        strcmp(text, $0) == 0
    }
}

func equal(_ text: UnsafePointer<CChar>, _ other: String) -> Bool {
    strcmp(text, other) == 0
}

/// A number of decimal digits and nothing else; nil also where it exceeds 64 bits.
func decimal(_ text: some Collection<UInt8>) -> UInt64? {
    guard !text.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in text {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        guard !overflow, !carry else { return nil }
        value = sum
    }
    return value
}
