// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one frame. Nothing in here traps on what it reads: a field that is not there is an error.
struct FieldReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var remaining: Int { bytes.count - position }

    private mutating func take(_ count: Int, _ field: String) throws(GateError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated(field: field) }
        let start = position
        position += count
        return bytes[start..<position]
    }

    mutating func integer<Value: FixedWidthInteger>(_ field: String) throws(GateError) -> Value {
        var value: Value = 0
        for (index, byte) in try take(Value.bitWidth / 8, field).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << Value(truncatingIfNeeded: 8 * index)
        }
        return value
    }

    mutating func flag(_ field: String) throws(GateError) -> Bool {
        switch try integer(field) as UInt8 {
        case 0: return false
        case 1: return true
        case let value: throw .badValue(field: field, value: UInt64(value))
        }
    }

    mutating func blob(_ field: String) throws(GateError) -> [UInt8] {
        let length: UInt32 = try integer(field)
        return [UInt8](try take(Int(length), field))
    }

    mutating func text(_ field: String) throws(GateError) -> String {
        let length: UInt32 = try integer(field)
        guard let text = String(validating: try take(Int(length), field), as: UTF8.self) else {
            throw .notText(field: field)
        }
        return text
    }

    /// - Parameter minimumSize: The fewest bytes that an element takes, so that a count which cannot be true is refused
    ///   before anything is allocated for it.
    mutating func list<Element>(
        _ field: String, minimumSize: Int, _ read: (inout FieldReader) throws(GateError) -> Element
    ) throws(GateError) -> [Element] {
        let announced: UInt32 = try integer(field)
        let count = Int(announced)
        guard count <= remaining / max(1, minimumSize) else { throw .truncated(field: field) }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try read(&self))
        }
        return elements
    }

    mutating func oneOf<Value: RawRepresentable>(
        _ field: String
    ) throws(GateError) -> Value where Value.RawValue == UInt8 {
        let raw: UInt8 = try integer(field)
        guard let value = Value(rawValue: raw) else { throw .badValue(field: field, value: UInt64(raw)) }
        return value
    }

    func finish() throws(GateError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }
}
