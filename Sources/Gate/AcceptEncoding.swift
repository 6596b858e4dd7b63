// SPDX-License-Identifier: Apache-2.0

/// What the client's `Accept-Encoding` fields say about gzip and identity, in thousandths (RFC 9110 section 12.5.3).
package struct AcceptEncoding {
    private var gzip: Int?
    private var identity: Int?
    private var anything: Int?

    package init() {}

    /// Of one field; nil: there is none.
    package init(_ value: String?) {
        if let value { Array(value.utf8).withUnsafeBufferPointer { add($0) } }
    }

    /// Gzip is acceptable, and identity is not said to be better.
    package var prefersGzip: Bool {
        guard let gzip = gzip ?? anything, gzip > 0 else { return false }
        return gzip >= identity ?? 0
    }

    /// One field's value. A concrete type: a generic one would not be specialised for the other module, and this is on
    /// the path of every request that asks for gzip.
    package mutating func add(_ value: UnsafeBufferPointer<UInt8>) {
        for element in value.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            guard let first = parts.first else { continue }
            let coding = first.withoutOuterBlanks
            let weight = Self.weight(parts.dropFirst())
            if coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") {
                gzip = max(gzip ?? 0, weight)
            } else if coding.equalsIgnoringCase("identity") {
                identity = max(identity ?? 0, weight)
            } else if coding.equalsIgnoringCase("*") {
                anything = max(anything ?? 0, weight)
            }
        }
    }

    /// `q=0.5` as 500; 1000 without one, 0 for one that is none.
    private static func weight(_ parameters: ArraySlice<Slice<UnsafeBufferPointer<UInt8>>>) -> Int {
        for parameter in parameters {
            let text = parameter.withoutOuterBlanks
            guard text.count >= 2, let name = text.first, lowered(name) == UInt8(ascii: "q"),
                text.dropFirst().first == UInt8(ascii: "=")
            else { continue }
            return thousandths([UInt8](text.dropFirst(2)))
        }
        return 1000
    }

    private static func thousandths(_ text: [UInt8]) -> Int {
        guard let units = text.first, units == UInt8(ascii: "0") || units == UInt8(ascii: "1") else { return 0 }
        var value = units == UInt8(ascii: "1") ? 1000 : 0
        let rest = text.dropFirst()
        guard !rest.isEmpty else { return value }
        guard rest.first == UInt8(ascii: "."), rest.count <= 4 else { return 0 }
        var place = 100
        for digit in rest.dropFirst() {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return 0 }
            value += place * Int(digit - UInt8(ascii: "0"))
            place /= 10
        }
        return min(value, 1000)
    }
}
