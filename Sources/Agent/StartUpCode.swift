// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The pages of program code that starting needed and running does not.
enum StartUpCode {
    /// Gives them back to the kernel. What is needed again is mapped again from the page cache, at its first use.
    ///
    /// Only executable mappings of files are let go: nothing is ever written to them, so nothing can be lost. (Read-only
    /// data may have been written to before it was made so; it stays.)
    static func release() {
        guard case .success(let maps) = RegularFile.read("/proc/self/maps", limit: 1_048_576) else { return }
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            // 55d0c0a00000-55d0c1200000 r-xp 00800000 fe:00 1234  /usr/bin/nodekeep
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1], let start = UnsafeMutableRawPointer(bitPattern: bounds[0])
            else { continue }
            madvise(start, Int(clamping: bounds[1] - bounds[0]), Int32(MADV_DONTNEED))
        }
    }
}
