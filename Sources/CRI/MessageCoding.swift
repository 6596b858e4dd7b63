// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore
internal import SwiftProtobuf

struct MessageEncoder<Message: SwiftProtobuf.Message>: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
        let bytes: [UInt8] = try message.serializedBytes()
        return Bytes(bytes)
    }
}

/// Fields that our `.proto` files do not have are dropped: a verbose answer is mostly made of those.
struct MessageDecoder<Message: SwiftProtobuf.Message>: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do {
            return try bytes.withUnsafeBytes { try Message(serializedBytes: Array($0), options: options) }
        } catch {
            throw RPCError(code: .internalError, message: "the runtime's answer cannot be decoded: \(error)")
        }
    }
}
