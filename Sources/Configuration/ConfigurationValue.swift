// SPDX-License-Identifier: Apache-2.0

/// A tree of plain values: what the effective configuration and the answers of the agent are turned into before they
/// are written as YAML. Objects keep the order in which their fields were put.
package enum ConfigurationValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([ConfigurationValue])
    case object([Field])

    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: ConfigurationValue

        package init(_ name: String, _ value: ConfigurationValue) {
            self.name = name
            self.value = value
        }
    }

    /// The value of a field of an object; nil where there is no such field or this is no object.
    package subscript(_ name: String) -> ConfigurationValue? {
        guard case .object(let fields) = self else { return nil }
        return fields.first { $0.name == name }?.value
    }

    /// An object from a map, its keys sorted: a map has no order of its own and the text must not change by itself.
    package static func strings(_ map: [String: String]) -> ConfigurationValue {
        .object(map.sorted { $0.key < $1.key }.map { Field($0.key, .string($0.value)) })
    }
}
