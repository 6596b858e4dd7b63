// SPDX-License-Identifier: Apache-2.0

/// One value of a YAML document with the line where it starts (1 is the first).
package struct YAMLNode: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the file's order; no key comes twice.
        case mapping([Entry])
    }

    package struct Entry: Equatable, Sendable {
        package var key: String
        package var keyLine: Int
        package var value: YAMLNode
    }

    package var content: Content
    package var line: Int

    /// How an error message shows it: scalars as they were written, the rest by its kind.
    package var shown: String {
        switch content {
        case .scalar(let scalar): scalar.type == .null ? "null" : scalar.text
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    package var isNull: Bool {
        if case .scalar(let scalar) = content { scalar.type == .null } else { false }
    }

    package var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    package var items: [YAMLNode]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    package var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }
}

/// A scalar as it was written, and what it is after the core schema of YAML 1.2.
package struct YAMLScalar: Equatable, Sendable {
    package enum ScalarType: Equatable, Sendable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string
    }

    package var text: String
    package var type: ScalarType

    /// The core schema's reading of a plain scalar, with two deviations that can only turn a value into a string, and
    /// so into an error where a number is asked for:
    /// `014` is 14 to YAML 1.2 and 12 to YAML 1.1 (which the kubelet's parser follows), and numbers that do not fit.
    static func resolve(plain text: String) -> ScalarType {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        default: break
        }
        return integer(text).map { .int($0) } ?? double(text).map { .double($0) } ?? .string
    }

    private static func integer(_ text: String) -> Int64? {
        if text.hasPrefix("0x") { return digits(text.utf8.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return digits(text.utf8.dropFirst(2), radix: 8) }
        let unsigned =
            text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
            ? text.utf8.dropFirst() : text.utf8[...]
        if unsigned.count > 1, unsigned.first == UInt8(ascii: "0") { return nil }
        guard !unsigned.isEmpty, unsigned.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }

    private static func digits(_ bytes: Substring.UTF8View, radix: Int) -> Int64? {
        // Int64(_:radix:) takes a sign as well, which the schema does not.
        guard let first = bytes.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else { return nil }
        return Int64(String(Substring(bytes)), radix: radix)
    }

    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`; the standard library's own parser takes
    /// more than that (hexadecimal floats, "inf", "nan").
    private static func double(_ text: String) -> Double? {
        var rest = text.utf8[...]
        func sign() {
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        }
        func digits() -> Int {
            let run = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(run.count)
            return run.count
        }
        sign()
        let leadingZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        var isPlainInteger = true
        if rest.first == UInt8(ascii: ".") {
            isPlainInteger = false
            rest = rest.dropFirst()
            if digits() == 0, whole == 0 { return nil }
        } else if whole == 0 {
            return nil
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            isPlainInteger = false
            rest = rest.dropFirst()
            sign()
            if digits() == 0 { return nil }
        }
        guard rest.isEmpty, !(isPlainInteger && leadingZero && whole > 1) else { return nil }
        return Double(text.hasPrefix(".") ? "0" + text : text)
    }
}
