// SPDX-License-Identifier: Apache-2.0

import CYaml

/// YAML, read and written through libyaml. The only importer of that library.
package enum YAML {
    /// What a document may be at most. A configuration is a few kilobytes and four levels deep.
    package static let maximumBytes = 1 << 20
    package static let maximumDepth = 32
    package static let maximumNodes = 50_000

    /// Why a text is no document for us, and on which line (1 is the first).
    package struct SyntaxError: Error, Equatable, Sendable {
        package var message: String
        package var line: Int
    }

    /// Reads one document. An empty one is a null.
    ///
    /// Stricter than YAML where YAML is a danger or a trap: no aliases (their expansion is what makes a small file
    /// a huge tree), no key twice, scalar keys only, one document, and the limits above.
    package static func parse(_ bytes: [UInt8]) throws(SyntaxError) -> YAMLNode {
        guard bytes.count <= maximumBytes else {
            throw SyntaxError(message: "the file is larger than \(maximumBytes) bytes", line: 1)
        }
        try checkEncoding(bytes)
        let parser = EventReader(bytes)
        defer { parser.close() }
        return try parser.document()
    }

    package static func parse(_ text: String) throws(SyntaxError) -> YAMLNode {
        try parse(Array(text.utf8))
    }

    /// libyaml would take UTF-16 for what it is and reports the rest by byte offset; we want UTF-8 and a line.
    private static func checkEncoding(_ bytes: [UInt8]) throws(SyntaxError) {
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            throw SyntaxError(message: "the file is UTF-16: save it as UTF-8", line: 1)
        }
        if let index = bytes.firstIndex(of: 0) {
            throw SyntaxError(message: "a NUL byte: this is not a text file", line: line(of: index, in: bytes))
        }
        guard String(validating: bytes, as: UTF8.self) == nil else { return }
        // Something is wrong somewhere: the first prefix of lines that is not valid names the line.
        var start = 0
        var number = 1
        for (index, byte) in bytes.enumerated() where byte == 0x0a {
            if String(validating: bytes[start..<index], as: UTF8.self) == nil { break }
            start = index + 1
            number += 1
        }
        throw SyntaxError(message: "bytes that are not UTF-8", line: number)
    }

    private static func line(of index: Int, in bytes: [UInt8]) -> Int {
        bytes[..<index].reduce(1) { $0 + ($1 == 0x0a ? 1 : 0) }
    }
}

/// One pass over libyaml's events. A class, because libyaml keeps pointers into its own structure.
private final class EventReader {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let isInitialized: Bool
    private var nodes = 0

    init(_ bytes: [UInt8]) {
        // The pointer must outlive this call, so the bytes are copied once.
        input = .allocate(capacity: max(bytes.count, 1))
        _ = input.initialize(from: bytes)
        parser.initialize(to: yaml_parser_t())
        isInitialized = yaml_parser_initialize(parser) == 1
        if isInitialized {
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        }
    }

    func close() {
        if isInitialized { yaml_parser_delete(parser) }
        parser.deallocate()
        input.deallocate()
    }

    func document() throws(YAML.SyntaxError) -> YAMLNode {
        guard isInitialized else { throw YAML.SyntaxError(message: "out of memory", line: 1) }
        _ = try next()  // The stream's start.
        guard case .documentStart = try next().kind else {
            return YAMLNode(content: .scalar(YAMLScalar(text: "", type: .null)), line: 1)
        }
        let root = try node(try next(), depth: 1)
        _ = try next()  // The document's end.
        let after = try next()
        if case .documentStart = after.kind {
            throw YAML.SyntaxError(message: "a second document: one file holds one configuration", line: after.line)
        }
        return root
    }

    private enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
        case alias
        case scalar(text: String, tag: String?, isPlain: Bool)
        case sequenceStart(tag: String?)
        case mappingStart(tag: String?)
    }

    private struct Event {
        var kind: Kind
        var line: Int
    }

    private func node(_ event: Event, depth: Int) throws(YAML.SyntaxError) -> YAMLNode {
        func fail(_ message: String) -> YAML.SyntaxError { YAML.SyntaxError(message: message, line: event.line) }
        guard depth <= YAML.maximumDepth else { throw fail("nested deeper than \(YAML.maximumDepth) levels") }
        nodes += 1
        guard nodes <= YAML.maximumNodes else { throw fail("more than \(YAML.maximumNodes) values") }
        switch event.kind {
        case .scalar(let text, let tag, let isPlain):
            guard let type = Self.type(of: text, tag: tag, isPlain: isPlain) else {
                throw fail("the tag \(quoted(tag ?? "")) is not accepted here")
            }
            return YAMLNode(content: .scalar(YAMLScalar(text: text, type: type)), line: event.line)
        case .sequenceStart(let tag):
            guard tag == nil || tag == "tag:yaml.org,2002:seq" || tag == "!" else {
                throw fail("the tag \(quoted(tag ?? "")) is not accepted here")
            }
            return YAMLNode(content: .sequence(try items(depth: depth)), line: event.line)
        case .mappingStart(let tag):
            guard tag == nil || tag == "tag:yaml.org,2002:map" || tag == "!" else {
                throw fail("the tag \(quoted(tag ?? "")) is not accepted here")
            }
            return YAMLNode(content: .mapping(try entries(depth: depth)), line: event.line)
        case .alias:
            throw fail("an alias (*name): write the value out, aliases are not accepted")
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw fail("a value is missing")
        }
    }

    private func items(depth: Int) throws(YAML.SyntaxError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let event = try next()
            if case .sequenceEnd = event.kind { return items }
            items.append(try node(event, depth: depth + 1))
        }
    }

    private func entries(depth: Int) throws(YAML.SyntaxError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            if case .mappingEnd = event.kind { return entries }
            guard case .scalar(let key, _, _) = event.kind else {
                throw YAML.SyntaxError(message: "a key that is not a plain name", line: event.line)
            }
            if let first = lines.updateValue(event.line, forKey: key) {
                let message = "the field \(quoted(key)) comes twice, first on line \(first)"
                throw YAML.SyntaxError(message: message, line: event.line)
            }
            entries.append(YAMLNode.Entry(key: key, keyLine: event.line, value: try node(try next(), depth: depth + 1)))
        }
    }

    private static func type(of text: String, tag: String?, isPlain: Bool) -> YAMLScalar.ScalarType? {
        guard let tag else { return isPlain ? YAMLScalar.resolve(plain: text) : .string }
        let resolved = YAMLScalar.resolve(plain: text)
        switch (tag, resolved) {
        case ("!", _), ("tag:yaml.org,2002:str", _): return .string
        case ("tag:yaml.org,2002:null", .null), ("tag:yaml.org,2002:bool", .bool),
            ("tag:yaml.org,2002:int", .int), ("tag:yaml.org,2002:float", .double):
            return resolved
        case ("tag:yaml.org,2002:float", .int(let value)): return .double(Double(value))
        default: return nil
        }
    }

    private func next() throws(YAML.SyntaxError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let line = Int(truncatingIfNeeded: event.start_mark.line) &+ 1
        switch event.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, line: line)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, line: line)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, line: line)
        case YAML_ALIAS_EVENT: return Event(kind: .alias, line: line)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length))
            let kind = Kind.scalar(
                text: String(decoding: bytes, as: UTF8.self), tag: Self.string(scalar.tag),
                isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return Event(kind: kind, line: line)
        case YAML_SEQUENCE_START_EVENT:
            return Event(kind: .sequenceStart(tag: Self.string(event.data.sequence_start.tag)), line: line)
        case YAML_MAPPING_START_EVENT:
            return Event(kind: .mappingStart(tag: Self.string(event.data.mapping_start.tag)), line: line)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, line: line)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, line: line)
        default: return Event(kind: .streamEnd, line: line)
        }
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> YAML.SyntaxError {
        let state = parser.pointee
        // The reader's errors (a control character) carry no mark, only an offset: how far it had read is its line.
        let mark = state.error == YAML_READER_ERROR ? state.mark : state.problem_mark
        // At the end libyaml stands on a line that the file does not have.
        let breaks = input.dropLast().reduce(0) { $0 + ($1 == 0x0a ? 1 : 0) }
        let line = min(Int(truncatingIfNeeded: mark.line), breaks) + 1
        if indentationHasTab(line) {
            return YAML.SyntaxError(message: "a tab in the indentation: YAML wants spaces", line: line)
        }
        guard let problem = state.problem else { return YAML.SyntaxError(message: "not YAML", line: line) }
        var message = "not YAML: " + String(cString: problem)
        if let context = state.context { message += " " + String(cString: context) }
        return YAML.SyntaxError(message: message, line: line)
    }

    private func indentationHasTab(_ line: Int) -> Bool {
        var number = 1
        var isIndentation = true
        for byte in input {
            if byte == 0x0a {
                if number == line { return false }
                number += 1
                isIndentation = true
            } else if number == line, isIndentation {
                if byte == 0x09 { return true }
                isIndentation = byte == 0x20
            }
        }
        return false
    }
}
