// SPDX-License-Identifier: Apache-2.0

/// Why bytes or a message could not cross the gate.
package enum GateError: Error, Equatable, CustomStringConvertible {
    /// A frame announces more bytes than its receiver takes.
    case frameTooLong(announced: Int, maximum: Int)
    /// A frame without a type.
    case emptyFrame
    /// The type byte names no message of this direction.
    case unknownType(UInt8)
    /// The frame ends within a field, or a length or count exceeds what is left of the frame.
    case truncated(field: String)
    /// Text that is not UTF-8.
    case notText(field: String)
    /// A value that the field does not have.
    case badValue(field: String, value: UInt64)
    /// Bytes after the last field.
    case trailingBytes(Int)
    /// A request of the web process that no honest web process would send.
    case badRequest(String)
    /// Counters of what no honest web process counts.
    case badCounters(String)
    /// An identity that no listener can have.
    case badIdentity(String)

    package var description: String {
        switch self {
        case .frameTooLong(let announced, let maximum):
            "a frame of \(announced) bytes is longer than the maximum of \(maximum)"
        case .emptyFrame: "a frame without a type"
        case .unknownType(let type): "unknown message type \(type)"
        case .truncated(let field): "the frame ends within \(field)"
        case .notText(let field): "\(field) is not UTF-8"
        case .badValue(let field, let value): "\(field) cannot be \(value)"
        case .trailingBytes(let count): "\(count) bytes after the last field"
        case .badRequest(let reason): "invalid request: \(reason)"
        case .badCounters(let reason): "invalid counters: \(reason)"
        case .badIdentity(let reason): "invalid server identity: \(reason)"
        }
    }
}
