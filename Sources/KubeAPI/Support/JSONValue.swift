// SPDX-License-Identifier: Apache-2.0

/// A tree of JSON: an object of Kubernetes of which only some fields are known here. What is read, changed and written
/// back keeps the fields that others added.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package static func integer(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }

    package var isNull: Bool { self == .null }

    package var flag: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// Nil: no number, or one that `Int64` does not hold as it is written.
    package var integer: Int64? {
        if case .number(let number) = self { number.integer } else { nil }
    }

    package var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var fields: [String: JSONValue]? {
        if case .object(let fields) = self { fields } else { nil }
    }

    /// A field of a field of …: `lease["metadata", "resourceVersion"]`. Nil: there is none. Setting makes the objects on
    /// the way, in place of whatever else is there; setting nil removes the field and makes nothing.
    package subscript(_ path: String...) -> JSONValue? {
        get { value(at: path[...]) }
        set { set(newValue, at: path[...]) }
    }

    private func value(at path: ArraySlice<String>) -> JSONValue? {
        guard let name = path.first else { return self }
        return fields?[name]?.value(at: path.dropFirst())
    }

    private mutating func set(_ value: JSONValue?, at path: ArraySlice<String>) {
        guard let name = path.first else {
            self = value ?? .null
            return
        }
        var fields = self.fields ?? [:]
        if path.count == 1 {
            fields[name] = value
        } else if value != nil || fields[name] != nil {
            var inner = fields[name] ?? .object([:])
            inner.set(value, at: path.dropFirst())
            fields[name] = inner
        }
        // Removing what is not there leaves what else is there alone.
        guard value != nil || self.fields != nil else { return }
        self = .object(fields)
    }
}

/// Without one for nil: `nil` removes a field, and `.null` is written.
extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// Of a key that comes twice the last value counts.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object([String: JSONValue](elements, uniquingKeysWith: { $1 }))
    }
}

/// A number with the digits that it came with: `1`, `1.0` and `1e0` are three.
package struct JSONNumber: Hashable, Sendable {
    package let text: String

    package init(_ value: Int64) {
        text = String(value)
    }

    /// - Parameter text: A number of RFC 8259, which the parser has made sure of.
    init(verified text: String) {
        self.text = text
    }

    package var integer: Int64? { Int64(text) }
}

extension JSONValue {
    /// Keys sorted, slashes as they are: the same value gives the same bytes.
    ///
    /// - Parameter pretty: On lines, for a file that somebody may look into; with a newline at the end.
    package func encoded(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isPretty: pretty)
        writer.write(self, level: 0)
        return pretty ? writer.bytes + [0x0a] : writer.bytes
    }

    /// A value of another type, as a tree.
    package init(encoding value: some Encodable) throws(KubeJSON.Problem) {
        self = try JSONValue.parse(try KubeJSON.encode(value).get())
    }

    package func decoded<Value: Decodable>(_ type: Value.Type) throws(KubeJSON.Problem) -> Value {
        try KubeJSON.decode(type, from: encoded()).get()
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    let isPretty: Bool

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .number(let number): bytes += number.text.utf8
        case .string(let text): write(text)
        case .array(let elements):
            writeList(elements, "[", "]", level) { writer, element in writer.write(element, level: level + 1) }
        case .object(let fields):
            writeList(fields.sorted { $0.key < $1.key }, "{", "}", level) { writer, field in
                writer.write(field.key)
                writer.bytes += (writer.isPretty ? ": " : ":").utf8
                writer.write(field.value, level: level + 1)
            }
        }
    }

    private mutating func writeList<Element>(
        _ elements: [Element], _ opening: String, _ closing: String, _ level: Int,
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        bytes += opening.utf8
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes += ",".utf8 }
            breakLine(level + 1)
            write(&self, element)
        }
        if !elements.isEmpty { breakLine(level) }
        bytes += closing.utf8
    }

    private mutating func breakLine(_ level: Int) {
        if isPretty { bytes += ("\n" + String(repeating: "  ", count: level)).utf8 }
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0a: bytes += "\\n".utf8
            case 0x0d: bytes += "\\r".utf8
            case 0x09: bytes += "\\t".utf8
            case 0..<0x20: bytes += ("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
