// SPDX-License-Identifier: Apache-2.0
internal import CZlib

/// gzip (RFC 1952) through zlib.
enum Gzip {
    /// Below this many bytes the answer fits into one packet anyway.
    static let threshold = 1_024

    /// Nil when compressing is not worth it: too small, or hardly smaller afterwards.
    static func compress(_ body: [UInt8]) -> [UInt8]? {
        guard body.count >= threshold, let count = UInt32(exactly: body.count) else { return nil }
        var stream = z_stream()
        // Level 6: a page is compressed once and sent many times.
        guard nodekeep_deflate_init_gzip(&stream, 6) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = deflateBound(&stream, UInt(count))
        guard let capacity = Int(exactly: bound), let available = UInt32(exactly: bound) else { return nil }
        var input = body
        let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, written in
            written = input.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress
                stream.avail_in = count
                stream.next_out = buffer.baseAddress
                stream.avail_out = available
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? capacity - Int(stream.avail_out) : 0
            }
        }
        return output.isEmpty || output.count > body.count - body.count / 8 ? nil : output
    }
}
