// SPDX-License-Identifier: Apache-2.0

/// A frame on the gate is four bytes of length (little-endian, of what follows), one byte of type, and the fields.
package enum GateFraming {
    /// The descriptor of the gate in the web process.
    package static let webDescriptor: Int32 = 3
    /// The largest frame the agent takes from web: a request whose headers fill the connection's memory, with room.
    package static let maximumFrameFromWeb = 65_536
    /// The largest frame web takes from the agent: a page of a node with thousands of mounts and interfaces.
    package static let maximumFrameFromAgent = 33_554_432
}
