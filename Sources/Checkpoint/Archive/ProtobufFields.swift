// SPDX-License-Identifier: Apache-2.0

/// The numeric fields at the top of one protobuf message: all that is needed of CRIU's images. Everything else is
/// passed over.
struct ProtobufFields {
    private var rest: ArraySlice<UInt8>

    init(_ message: ArraySlice<UInt8>) {
        rest = message
    }

    /// The next field; nil at the end. `value` is nil for what is not a number.
    ///
    /// - Throws: for bytes that are no message.
    mutating func next() throws(Malformed) -> (number: UInt64, value: UInt64?)? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        switch tag & 7 {
        case 0: return (tag >> 3, try varint())
        case 1: try skip(8)
        case 2: try skip(try varint())
        case 5: try skip(4)
        default: throw Malformed()
        }
        return (tag >> 3, nil)
    }

    struct Malformed: Error {}

    private mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Malformed()
    }

    private mutating func skip(_ count: UInt64) throws(Malformed) {
        guard count <= UInt64(rest.count) else { throw Malformed() }
        rest = rest.dropFirst(Int(count))
    }
}
