// SPDX-License-Identifier: Apache-2.0

/// Amounts by resource name, in the order of the names: a JSON object (core/v1/types.go ResourceList).
package struct ResourceList: Equatable, Sendable {
    private var quantities: [String: Quantity]

    package init(_ quantities: [String: Quantity] = [:]) {
        self.quantities = quantities
    }

    package subscript(name: String) -> Quantity? {
        get { quantities[name] }
        set { quantities[name] = newValue }
    }

    package var isEmpty: Bool { quantities.isEmpty }

    /// Sorted, as Kubernetes writes them.
    package var names: [String] { quantities.keys.sorted() }

    package var entries: [(name: String, quantity: Quantity)] {
        quantities.sorted { $0.key < $1.key }.map { (name: $0.key, quantity: $0.value) }
    }
}

extension ResourceList: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, Quantity)...) {
        self.init(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension ResourceList: Codable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        for (name, quantity) in entries { try container.encode(quantity, forKey: AnyKey(name)) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        self.init()
        for key in container.allKeys { self[key.stringValue] = try container.decode(Quantity.self, forKey: key) }
    }
}

/// A key that is known only at run time.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
}
