// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// JSON to and from an API server.
package enum KubeJSON {
    /// An object of Kubernetes has ten levels or so, and a decoder's memory grows with values, not with bytes.
    static let maximumDepth = 64
    static let maximumValues = 200_000

    /// What is wrong, for a message; it repeats nothing of the text.
    package struct Problem: Error, Equatable, Sendable {
        package var explanation: String
    }

    /// Decodes text whose size the caller has bounded; its depth and its number of values are bounded here, before.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) -> Result<Value, Problem> {
        guard isModest(bytes) else {
            return .failure(
                Problem(explanation: "nested deeper than \(maximumDepth) levels, or more than \(maximumValues) values"))
        }
        do {
            return .success(try JSONDecoder().decode(type, from: Data(bytes)))
        } catch let DecodingError.keyNotFound(key, _) {
            return .failure(
                Problem(explanation: "the field \(ForeignText.line(key.stringValue, limit: 64)) is missing"))
        } catch let DecodingError.typeMismatch(_, context) {
            return .failure(Problem(explanation: "the field \(Self.place(context)) has the wrong type"))
        } catch let DecodingError.valueNotFound(_, context) {
            return .failure(Problem(explanation: "the field \(Self.place(context)) is null"))
        } catch {
            return .failure(Problem(explanation: "not JSON"))
        }
    }

    /// Keys sorted, slashes as they are: the same value gives the same bytes.
    package static func encode(_ value: some Encodable) -> Result<[UInt8], Problem> {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return .success(Array(try encoder.encode(value)))
        } catch {
            return .failure(Problem(explanation: "a value that JSON cannot hold"))
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        ForeignText.line(context.codingPath.map(\.stringValue).joined(separator: "."), limit: 128)
    }

    /// One pass over the bytes. Outside strings each comma and each opening bracket announces a value.
    static func isModest(_ bytes: [UInt8]) -> Bool {
        var depth = 0
        var values = 0
        var isString = false
        var isEscaped = false
        for byte in bytes {
            if isString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                values += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            if depth > maximumDepth || values > maximumValues { return false }
        }
        return true
    }
}
