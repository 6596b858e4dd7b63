// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Overwrites bytes with zeros, where they lie: for what held a private key, before its memory is freed.
    ///
    /// The array must be the only one with these bytes: another copy keeps its own.
    ///
    /// - Parameter count: So many from the beginning; nil: all.
    // Not inlined, so that nobody can conclude that nobody reads what is written here.
    @inline(never)
    package mutating func wipe(first count: Int? = nil) {
        withUnsafeMutableBytes { bytes in
            for index in bytes.indices.prefix(count ?? bytes.count) {
                bytes[index] = 0
            }
        }
    }
}
