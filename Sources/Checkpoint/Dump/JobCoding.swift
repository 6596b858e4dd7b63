// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The JSON of a job's files: sorted keys, so that equal values are equal bytes.
package enum JobCoding {
    package static func encode(_ value: some Encodable) throws(StorageError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            // Only a number that JSON does not have: none of ours is made of one.
            throw StorageError("encode \(type(of: value)): \(error)")
        }
    }

    /// - Parameter path: for the message.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], path: String
    ) throws(StorageError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw StorageError("read \(path): it is not the JSON that nodekeep writes there (\(Self.reason(error)))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, _): return "no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return (place.isEmpty ? "" : place + ": ") + context.debugDescription
        @unknown default: return "unreadable"
        }
    }
}

extension JobDirectory {
    /// nil where there is no such file.
    package func read<Value: Decodable>(_ type: Value.Type, from file: JobFile) throws(StorageError) -> Value? {
        guard let bytes = try read(file) else { return nil }
        return try JobCoding.decode(type, bytes, path: path(of: file))
    }

    package func write(_ value: some Encodable, to file: JobFile, durably: Bool = true) throws(StorageError) {
        try write(try JobCoding.encode(value), to: file, durably: durably)
    }
}
