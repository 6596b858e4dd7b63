// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Reads one value of RFC 8259, as deep and with as many values as `KubeJSON` admits. Refused as well is what two
    /// readers could understand in two ways: a key that comes twice, text that is not Unicode.
    ///
    /// - Parameter bytes: Of a size that the caller has bounded.
    package static func parse(_ bytes: [UInt8]) throws(KubeJSON.Problem) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        return try parser.document()
    }
}

private struct JSONParser {
    /// Longer ones are no numbers of Kubernetes.
    private static let maximumNumber = 64

    let bytes: [UInt8]
    private var index = 0
    private var values = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(KubeJSON.Problem) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard index == bytes.count else { throw problem("something follows the value") }
        return value
    }

    private func problem(_ what: String) -> KubeJSON.Problem {
        KubeJSON.Problem(explanation: "not JSON: \(what) (byte \(index + 1) of \(bytes.count))")
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(KubeJSON.Problem) -> JSONValue {
        values += 1
        skipSpace()
        guard let byte = next else { throw problem("it ends where a value belongs") }
        let isContainer = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
        guard values <= KubeJSON.maximumValues, !isContainer || depth < KubeJSON.maximumDepth else {
            throw KubeJSON.Problem(
                explanation:
                    "nested deeper than \(KubeJSON.maximumDepth) levels, or more than \(KubeJSON.maximumValues) values")
        }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw problem("no value begins like this")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(KubeJSON.Problem) -> JSONValue {
        guard bytes[index...].starts(with: word.utf8) else { throw problem("no value begins like this") }
        index += word.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(KubeJSON.Problem) -> [JSONValue] {
        index += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw problem("a comma or ] belongs here") }
        }
    }

    private mutating func object(depth: Int) throws(KubeJSON.Problem) -> [String: JSONValue] {
        index += 1
        var fields: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return fields }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw problem("a field's name belongs here") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw problem("a colon belongs here") }
            guard fields.updateValue(try value(depth: depth), forKey: name) == nil else {
                throw problem("a field comes twice")
            }
            skipSpace()
            if take(UInt8(ascii: "}")) { return fields }
            guard take(UInt8(ascii: ",")) else { throw problem("a comma or } belongs here") }
        }
    }

    private mutating func number() throws(KubeJSON.Problem) -> JSONNumber {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        guard index - start <= Self.maximumNumber else { throw problem("a number of too many digits") }
        return JSONNumber(verified: String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private mutating func digits() throws(KubeJSON.Problem) {
        let start = index
        while let byte = next, (0x30...0x39).contains(byte) { index += 1 }
        guard index > start else { throw problem("a digit belongs here") }
    }

    private mutating func string() throws(KubeJSON.Problem) -> String {
        index += 1
        var content: [UInt8] = []
        var start = index
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                content += bytes[start..<index]
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw problem("a text that is not UTF-8")
                }
                index += 1
                return text
            case UInt8(ascii: "\\"):
                content += bytes[start..<index]
                index += 1
                content += String(try escape()).utf8
                start = index
            case 0..<0x20: throw problem("a control character in a text")
            default: index += 1
            }
        }
        throw problem("a text without its end")
    }

    /// What follows a backslash.
    private mutating func escape() throws(KubeJSON.Problem) -> Unicode.Scalar {
        guard let byte = next else { throw problem("a text without its end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard UTF16.isLeadSurrogate(UInt16(truncatingIfNeeded: unit)), take(UInt8(ascii: "\\")),
                take(UInt8(ascii: "u"))
            else { throw problem("half of a character") }
            let second = try hexadecimal()
            guard UTF16.isTrailSurrogate(UInt16(truncatingIfNeeded: second)),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (second - 0xdc00))
            else { throw problem("half of a character") }
            return scalar
        default: throw problem("no escape of JSON")
        }
    }

    /// Four digits: at most 0xffff.
    private mutating func hexadecimal() throws(KubeJSON.Problem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw problem("four hexadecimal digits belong here")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }
}
