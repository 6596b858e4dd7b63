// SPDX-License-Identifier: Apache-2.0
internal import Configuration
internal import FoundationEssentials

/// Trees of values as JSON text and back, for what has no type of its own here.
enum JSONText {
    static func text(_ value: ConfigurationValue, pretty: Bool = false) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        guard let data = try? encoder.encode(Encoded(value: value)) else { return Array("{}\n".utf8) }
        return Array(data) + [0x0a]
    }

    /// On standard output, for people.
    static func print(_ value: ConfigurationValue) {
        Swift.print(String(decoding: text(value, pretty: true), as: UTF8.self), terminator: "")
    }

    /// - Throws: what the JSON decoder says.
    static func parse(_ bytes: [UInt8]) throws -> ConfigurationValue {
        try JSONDecoder().decode(Decoded.self, from: Data(bytes)).value
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Encoded: Encodable {
        let value: ConfigurationValue

        func encode(to encoder: any Encoder) throws {
            switch value {
            case .object(let fields):
                var container = encoder.container(keyedBy: Key.self)
                for field in fields {
                    try container.encode(Encoded(value: field.value), forKey: Key(stringValue: field.name))
                }
            case .array(let elements):
                var container = encoder.unkeyedContainer()
                for element in elements { try container.encode(Encoded(value: element)) }
            default:
                var container = encoder.singleValueContainer()
                switch value {
                case .bool(let bool): try container.encode(bool)
                case .int(let int): try container.encode(int)
                case .double(let double): try container.encode(double)
                case .string(let string): try container.encode(string)
                default: try container.encodeNil()
                }
            }
        }
    }

    private struct Decoded: Decodable {
        let value: ConfigurationValue

        init(from decoder: any Decoder) throws {
            if let container = try? decoder.container(keyedBy: Key.self) {
                value = .object(
                    try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
                        .init(key.stringValue, try container.decode(Decoded.self, forKey: key).value)
                    })
                return
            }
            if var container = try? decoder.unkeyedContainer() {
                var elements: [ConfigurationValue] = []
                while !container.isAtEnd { elements.append(try container.decode(Decoded.self).value) }
                value = .array(elements)
                return
            }
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = .null
            } else if let bool = try? container.decode(Bool.self) {
                value = .bool(bool)
            } else if let int = try? container.decode(Int64.self) {
                value = .int(int)
            } else if let double = try? container.decode(Double.self) {
                value = .double(double)
            } else {
                value = .string(try container.decode(String.self))
            }
        }
    }
}
