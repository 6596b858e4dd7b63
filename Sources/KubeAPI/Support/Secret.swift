// SPDX-License-Identifier: Apache-2.0

/// A token or key, which shows itself nowhere: not in an interpolation, not in a dump.
package struct Secret: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// How much of its beginning is enough to be a leak. Half a text may be all that is left of an error message.
    private static let prefixLength = 8

    /// Whether the text holds this secret, or its beginning: a server may repeat in its errors what it was sent.
    package func leaks(into text: String) -> Bool {
        let prefix = bytes.prefix(Self.prefixLength)
        guard let first = prefix.first else { return false }
        let text = Array(text.utf8)
        return text.indices.contains { text[$0] == first && text[$0...].starts(with: prefix) }
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
