// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// What kind of value a field takes, with its range: the part of validation that a table can do.
package enum FieldShape: Equatable, Sendable {
    case bool
    case int(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    /// Any scalar, by its text: the kubelet's YAML layer turns `memory.available: 100` into a string as well.
    case text
    case choice([String])
    case duration(ClosedRange<Duration>)
    case texts
    case ints
    case textMap
    case boolMap
    case textListMap
    /// A list of mappings, whose fields have rows `name[].field`.
    case objects

    static let int32 = FieldShape.int(Int64(Int32.min)...Int64(Int32.max))
    static let count = FieldShape.int(0...Int64(Int32.max))
    static let port = FieldShape.int(1...65_535)
    static let portOrOff = FieldShape.int(0...65_535)
    /// Up to a year, which is beyond every sensible use and far from every overflow.
    static let upToAYear = FieldShape.duration(.zero...longest)
    static let anyDuration = FieldShape.duration(.nanoseconds(Int64.min)...(.nanoseconds(Int64.max)))
    static let longest = Duration.seconds(8_760 * 3_600)

    /// What is allowed, for the message.
    var allowed: String {
        switch self {
        case .bool: return "true or false"
        case .int(let range): return "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): return "a number from \(range.lowerBound) to \(range.upperBound)"
        case .text: return "a text"
        case .choice(let values): return values.map(quoted).joined(separator: " or ")
        case .duration(let range):
            if self == .anyDuration { return "a duration such as 1m30s" }
            let (from, to) = (GoDuration.format(range.lowerBound), GoDuration.format(range.upperBound))
            return "a duration from \(from) to \(to), such as 1m30s"
        case .texts: return "a list of texts"
        case .ints: return "a list of integers"
        case .textMap: return "a mapping of names to texts"
        case .boolMap: return "a mapping of names to true or false"
        case .textListMap: return "a mapping of names to lists of texts"
        case .objects: return "a list of mappings"
        }
    }

    /// Reports what does not fit. A null is "not set" wherever it stands, as in a kubelet.
    func check(_ node: YAMLNode, _ origin: Origin, _ findings: Findings) {
        guard !node.isNull else { return }
        switch self {
        case .texts, .ints:
            guard let items = node.items else { return refuse(node, origin, findings) }
            let element = self == .ints ? FieldShape.int(Int64.min...Int64.max) : .text
            for (index, item) in items.enumerated() {
                let place = Origin(field: "\(origin.field)[\(index)]", line: item.line)
                element.checkElement(item, place, findings)
            }
        case .textMap, .boolMap, .textListMap:
            guard let entries = node.entries else { return refuse(node, origin, findings) }
            let element = self == .textMap ? FieldShape.text : self == .boolMap ? .bool : .texts
            for entry in entries {
                element.checkElement(entry.value, origin.key(entry.key, line: entry.keyLine), findings)
            }
        case .objects:
            if node.items == nil { refuse(node, origin, findings) }
        case .bool, .int, .number, .text, .choice, .duration:
            if !acceptsScalar(node.scalar) { refuse(node, origin, findings) }
        }
    }

    /// In a list or a map a null is no value, so it is not "not set" but wrong.
    private func checkElement(_ node: YAMLNode, _ origin: Origin, _ findings: Findings) {
        if node.isNull { refuse(node, origin, findings) } else { check(node, origin, findings) }
    }

    private func refuse(_ node: YAMLNode, _ origin: Origin, _ findings: Findings) {
        findings.refuse(origin, node.shown, allowed)
    }

    private func acceptsScalar(_ scalar: YAMLScalar?) -> Bool {
        guard let scalar else { return false }
        switch (self, scalar.type) {
        case (.bool, .bool): return true
        case (.int(let range), .int(let value)): return range.contains(value)
        case (.number(let range), .double(let value)): return range.contains(value)
        case (.number(let range), .int(let value)): return range.contains(Double(value))
        case (.text, _): return true
        case (.choice(let values), _): return values.contains(scalar.text)
        case (.duration(let range), .string):
            return (try? GoDuration.parse(scalar.text)).map(range.contains) ?? false
        default: return false
        }
    }
}
