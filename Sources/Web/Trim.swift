// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp

/// Gives memory back when a crowd has gone. What 400 TLS connections needed stays with the allocator otherwise, in pieces
/// between what is still used: some 7 MB.
struct Trim {
    /// So many connections since the last time leave something behind that is worth the look.
    static let crowd: UInt64 = 64
    /// With more than these the memory is needed again at once.
    static let few: UInt64 = 16

    private var accepted: UInt64 = 0

    /// - Parameters:
    ///   - accepted: connections since the start.
    ///   - open: connections now.
    mutating func isDue(accepted: UInt64, open: UInt64) -> Bool {
        guard accepted &- self.accepted >= Self.crowd, open <= Self.few else { return false }
        self.accepted = accepted
        return true
    }

    /// A few hundred microseconds, with system calls that the allocator makes anyway.
    static func run() {
        malloc_trim(0)
    }
}
