// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into frames.
///
/// It holds at most one unfinished frame of the given maximum: a frame that announces more is an error as soon as its
/// length has been read. After an error the stream has no meaning any more; the reader must not be used again.
package struct FrameReader: Sendable {
    private let maximum: Int
    private let wipes: Bool
    private var held: [UInt8] = []

    /// - Parameters:
    ///   - maximum: The longest frame that is taken, without its four bytes of length.
    ///   - wipes: Nothing of what has been read stays behind in memory that the reader has done with: there may be a
    ///     private key among it. The frames that it returns are the caller's to wipe.
    package init(maximum: Int, wipes: Bool = false) {
        self.maximum = maximum
        self.wipes = wipes
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Returns: The frames that these bytes complete, in order: type and fields, without the length.
    /// - Throws: ``GateError/frameTooLong(announced:maximum:)`` or ``GateError/emptyFrame``.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(GateError) -> [[UInt8]] {
        if wipes { makeRoom(for: bytes.count) }
        held.append(contentsOf: bytes)
        var frames: [[UInt8]] = []
        var start = 0
        while held.count - start >= 4 {
            var length = 0
            for index in 0..<4 {
                length |= Int(held[start + index]) << (8 * index)
            }
            guard length > 0 else { throw .emptyFrame }
            guard length <= maximum else { throw .frameTooLong(announced: length, maximum: maximum) }
            guard held.count - start - 4 >= length else { break }
            frames.append([UInt8](held[(start + 4)..<(start + 4 + length)]))
            start += 4 + length
        }
        if start == held.count {
            if wipes { held.wipe() }
            // A large frame must not leave its room behind for good.
            held.removeAll(keepingCapacity: held.capacity <= 262_144)
        } else if start > 0 {
            let rest = [UInt8](held[start...])
            if wipes { held.wipe() }
            held = rest
        }
        return frames
    }

    /// Moves what is held to where there is room for more, and wipes where it was: growing by itself the array would
    /// leave its bytes behind.
    private mutating func makeRoom(for count: Int) {
        guard !held.isEmpty, held.capacity - held.count < count else { return }
        var larger: [UInt8] = []
        larger.reserveCapacity(max(held.count + count, 2 * held.capacity))
        larger.append(contentsOf: held)
        held.wipe()
        held = larger
    }

    /// The same for bytes in an array.
    package mutating func feed(_ bytes: [UInt8]) throws(GateError) -> [[UInt8]] {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(GateError) in try feed(buffer) }
        }
        return try result.get()
    }
}
