// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Bytes on their way into a non-blocking descriptor.
struct OutboundQueue {
    /// Beyond this the other side has stopped reading.
    static let limit = 128 * 1_024 * 1_024

    private var bytes: [UInt8] = []
    private var sent = 0

    var isEmpty: Bool { sent == bytes.count }
    var count: Int { bytes.count - sent }

    mutating func append(_ frame: [UInt8]) {
        bytes += frame
    }

    /// Writes what the descriptor takes. Returns false when the other side is gone.
    mutating func flush(to descriptor: Int32) -> Bool {
        while sent < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard written > 0 else {
                if errno == EINTR { continue }
                let isFull = errno == EAGAIN
                forgetSent()
                return isFull
            }
            sent += written
        }
        bytes.removeAll(keepingCapacity: bytes.capacity <= 65_536)
        sent = 0
        return true
    }

    /// A reader that always leaves something would otherwise have all kept that was ever sent. What is moved for it is
    /// never more than what it frees.
    private mutating func forgetSent() {
        guard sent > count else { return }
        bytes.removeFirst(sent)
        sent = 0
    }
}
