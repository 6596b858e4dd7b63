// SPDX-License-Identifier: Apache-2.0

import CYaml

extension YAML {
    /// The value as one YAML document in block style, ending in a line feed.
    ///
    /// Strings that any YAML parser, 1.1 or 1.2, could take for something else are quoted.
    package static func text(of value: ConfigurationValue) -> String {
        let writer = EventWriter()
        defer { writer.close() }
        return writer.write(value)
    }

    /// Could a plain scalar of this text be read as a boolean, null, number, time or merge key by YAML 1.1 or 1.2?
    static func looksTyped(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return true }
        // Numbers of every kind (octal, hexadecimal, sexagesimal, with underscores) and times are made of these and
        // start with one of the first. `5m` and `100Mi` are not, and stay as they are.
        if "0123456789+-.".utf8.contains(first) {
            if text.utf8.allSatisfy("0123456789+-._:abcdefABCDEFxXoOtTzZ ".utf8.contains) { return true }
            let word = text.lowercased()
            if word.hasSuffix(".inf") || word == ".nan" { return true }
        }
        switch text.lowercased() {
        case "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=": return true
        default: return false
        }
    }
}

/// One emitter and what it has written. A class, because libyaml is handed a pointer to it.
private final class EventWriter {
    private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)
    private var output: [UInt8] = []
    private var isWorking: Bool

    init() {
        emitter.initialize(to: yaml_emitter_t())
        isWorking = yaml_emitter_initialize(emitter) == 1
    }

    func close() {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    private enum Step {
        case value(ConfigurationValue)
        case key(String)
        case endOfSequence
        case endOfMapping
    }

    /// With a stack of its own: how deep a tree may be is not for this thread's stack to decide.
    func write(_ value: ConfigurationValue) -> String {
        guard isWorking else { return "" }
        yaml_emitter_set_output(
            emitter,
            { writer, bytes, count in
                guard let writer, let bytes else { return 0 }
                let buffer = UnsafeBufferPointer(start: bytes, count: count)
                Unmanaged<EventWriter>.fromOpaque(writer).takeUnretainedValue().output.append(contentsOf: buffer)
                return 1
            }, Unmanaged.passUnretained(self).toOpaque())
        yaml_emitter_set_unicode(emitter, 1)
        yaml_emitter_set_width(emitter, -1)
        yaml_emitter_set_encoding(emitter, YAML_UTF8_ENCODING)

        emit { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
        var steps: [Step] = [.value(value)]
        while let step = steps.popLast() {
            switch step {
            case .value(let value): write(value, &steps)
            case .key(let key): string(key)
            case .endOfSequence: emit { yaml_sequence_end_event_initialize(&$0) }
            case .endOfMapping: emit { yaml_mapping_end_event_initialize(&$0) }
            }
        }
        emit { yaml_document_end_event_initialize(&$0, 1) }
        emit { yaml_stream_end_event_initialize(&$0) }
        return String(decoding: output, as: UTF8.self)
    }

    private func write(_ value: ConfigurationValue, _ steps: inout [Step]) {
        switch value {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .bool(let value): scalar(value ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
        case .int(let value): scalar(String(value), YAML_PLAIN_SCALAR_STYLE)
        case .double(let value): scalar(Self.text(of: value), YAML_PLAIN_SCALAR_STYLE)
        case .string(let value): string(value)
        case .array(let items):
            emit { yaml_sequence_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
            steps.append(.endOfSequence)
            steps.append(contentsOf: items.reversed().map { .value($0) })
        case .object(let fields):
            emit { yaml_mapping_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
            steps.append(.endOfMapping)
            for field in fields.reversed() {
                steps.append(.value(field.value))
                steps.append(.key(field.name))
            }
        }
    }

    private func string(_ text: String) {
        // A line feed or another control character reads best, and survives best, as an escape.
        let hasControl = text.unicodeScalars.contains {
            $0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0.value == 0x2028 || $0.value == 0x2029
                || $0.value == 0xfeff
        }
        scalar(text, hasControl || YAML.looksTyped(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE)
    }

    private static func text(of value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return value.description
    }

    private func scalar(_ text: String, _ style: yaml_scalar_style_t) {
        var text = text
        text.withUTF8 { bytes in
            // libyaml copies the bytes; an empty buffer may have no address, and it wants one.
            var nothing: UInt8 = 0
            withUnsafePointer(to: &nothing) { placeholder in
                let start = bytes.baseAddress ?? placeholder
                let count = Int32(clamping: bytes.count)
                emit { yaml_scalar_event_initialize(&$0, nil, nil, start, count, 1, 1, style) }
            }
        }
    }

    private func emit(_ prepare: (inout yaml_event_t) -> Int32) {
        var event = yaml_event_t()
        // The emitter owns the event from here, also when it fails.
        guard isWorking, prepare(&event) == 1, yaml_emitter_emit(emitter, &event) == 1 else {
            isWorking = false
            return
        }
    }
}
