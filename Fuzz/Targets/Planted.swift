// SPDX-License-Identifier: Apache-2.0
import Glibc

extension FuzzTarget {
    /// Defects of known kinds. The runner has each found before it believes that there are none elsewhere: without
    /// coverage or without limits a fuzzer finds nothing and says that all is well.
    static let planted: [FuzzTarget] = [plantedTrap, plantedHang, plantedMemory, plantedOverrun]

    /// Out of reach without coverage: four bytes, one after the other.
    private static let plantedTrap = FuzzTarget(name: "planted-trap", maximumLength: 64) { bytes in
        guard bytes.count >= 4, bytes[0] == 0x66, bytes[1] == 0x75, bytes[2] == 0x7a, bytes[3] == 0x7a else { return }
        // An index that a parser has not held against the end.
        check(bytes[bytes.count] == 0, "never reached")
    }

    private static let plantedHang = FuzzTarget(name: "planted-hang", maximumLength: 64) { bytes in
        guard bytes.count >= 2, bytes[0] == 0x68 else { return }
        while getpid() != 0 {}
    }

    private static let plantedMemory = FuzzTarget(name: "planted-memory", maximumLength: 64) { bytes in
        guard bytes.count >= 2, bytes[0] == 0x6d else { return }
        // A length that somebody else has sent, believed.
        let room = [UInt8](repeating: bytes[1], count: 3 << 30)
        check(room.count > Int(bytes[1]), "it is large")
    }

    /// What Swift does not check and AddressSanitizer does.
    private static let plantedOverrun = FuzzTarget(name: "planted-overrun", maximumLength: 64) { bytes in
        guard bytes.count >= 2, bytes[0] == 0x6f else { return }
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        check(memchr(copy, 0x100, bytes.count + 16) == nil || copy[bytes.count] < 0xff, "beyond the end")
        copy.deallocate()
    }
}
