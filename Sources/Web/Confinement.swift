// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import Glibc

/// Everything that the web process gives up before it reads a byte from the network.
package enum Confinement {
    /// Gives up, for good: core dumps, files that grow, more descriptors than `descriptors`, being traced or read by
    /// others, every capability in every set, new privileges, and with the filter all other system calls.
    ///
    /// - Parameter strict: For tests: a denied call ends the process instead of failing with EPERM.
    package static func enter(descriptors: Int, strict: Bool) throws(StartFailure) {
        // Started by its descriptor it would have that number for a name.
        _ = "nodekeep-web".withCString { nodekeep_prctl(PR_SET_NAME, UInt(bitPattern: $0), 0) }
        umask(0o077)
        // Standard error may be a file, and FSIZE 0 raises a signal when it is written to.
        signal(SIGXFSZ, SIG_IGN)
        try check(nodekeep_lower_limit(NODEKEEP_CORE, 0), "RLIMIT_CORE")
        try check(nodekeep_lower_limit(NODEKEEP_FILE_SIZE, 0), "RLIMIT_FSIZE")
        try check(nodekeep_lower_limit(NODEKEEP_DESCRIPTORS, UInt64(max(descriptors, 16))), "RLIMIT_NOFILE")
        try check(nodekeep_prctl(PR_SET_DUMPABLE, 0, 0), "PR_SET_DUMPABLE")
        try dropCapabilities()
        try check(nodekeep_prctl(PR_SET_NO_NEW_PRIVS, 1, 0), "PR_SET_NO_NEW_PRIVS")
        let filter = try Filter()
        if !strict {
            try DeniedCalls.startCounting()
        }
        try filter.load()
    }

    private static func dropCapabilities() throws(StartFailure) {
        // Absent before Linux 4.3, and dropping from the bounding set needs CAP_SETPCAP: neither can give anything
        // back once no_new_privs is set and exec is denied, so a refusal is no failure.
        _ = nodekeep_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0)
        for capability in 0..<UInt(64) where nodekeep_prctl(PR_CAPBSET_READ, capability, 0) == 1 {
            _ = nodekeep_prctl(PR_CAPBSET_DROP, capability, 0)
        }
        try check(nodekeep_drop_capabilities(), "capset")
    }

    private static func check(_ result: Int32, _ what: String) throws(StartFailure) {
        guard result == 0 else { throw StartFailure(what, errno) }
    }

    /// Closes every descriptor from 3 on that is not in `keep`.
    static func closeDescriptors(except keep: [Int32]) {
        var next: UInt32 = 3
        for descriptor in keep.sorted() {
            guard let number = UInt32(exactly: descriptor), number >= next else { continue }
            if number > next {
                _ = nodekeep_close_range(next, number - 1)
            }
            next = number + 1
        }
        _ = nodekeep_close_range(next, UInt32.max)
    }
}
