// SPDX-License-Identifier: Apache-2.0

/// Writes one frame: integers little-endian, text and bytes with a 32-bit length before them, lists with a 32-bit count.
struct FrameWriter {
    private var bytes: [UInt8]

    init(type: UInt8) {
        bytes = [0, 0, 0, 0, type]
    }

    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func flag(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    mutating func text(_ value: String) {
        integer(UInt32(clamping: value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func blob(_ value: [UInt8]) {
        integer(UInt32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    mutating func list<Element>(_ elements: [Element], _ write: (inout FrameWriter, Element) -> Void) {
        integer(UInt32(clamping: elements.count))
        for element in elements {
            write(&self, element)
        }
    }

    /// The whole frame. Lengths that were clamped above belong to frames far over any maximum, so they end here.
    func finish(maximum: Int) throws(GateError) -> [UInt8] {
        let length = bytes.count - 4
        guard length <= maximum, let announced = UInt32(exactly: length) else {
            throw .frameTooLong(announced: length, maximum: maximum)
        }
        var frame = bytes
        for (index, byte) in withUnsafeBytes(of: announced.littleEndian, Array.init).enumerated() {
            frame[index] = byte
        }
        return frame
    }
}
