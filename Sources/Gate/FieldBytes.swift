// SPDX-License-Identifier: Apache-2.0

// Header fields are compared as bytes: web takes them from C, the agent from the gate, and both must read them alike.

/// An ASCII letter in lower case; any other byte as it is.
@inlinable
package func lowered(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// A space or a tab: RFC 9110's optional white space.
@inlinable
package func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
}

extension Collection<UInt8> {
    /// - Parameter other: In lower case.
    @inlinable
    package func equalsIgnoringCase(_ other: StaticString) -> Bool {
        guard count == other.utf8CodeUnitCount else { return false }
        return zip(self, UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
            .allSatisfy { lowered($0) == $1 }
    }
}

extension Collection<UInt8> where SubSequence: BidirectionalCollection {
    @inlinable
    package var withoutOuterBlanks: SubSequence.SubSequence {
        let front = drop(while: isBlank)
        guard let last = front.lastIndex(where: { !isBlank($0) }) else { return front[front.endIndex...] }
        return front[...last]
    }
}
