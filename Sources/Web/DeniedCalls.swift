// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import Glibc

/// Counts the system calls that the filter denies.
///
/// The only file that uses the shim's counter: it is `static` there, so a second file would have a second one.
package enum DeniedCalls {
    /// From now on a denied call fails with EPERM and is counted; otherwise it ends the process with SIGSYS.
    package static func startCounting() throws(StartFailure) {
        guard nodekeep_install_denied_handler() == 0 else { throw StartFailure("sigaction(SIGSYS)", errno) }
    }

    package static var count: UInt64 { nodekeep_denied_calls().pointee.count }

    /// The number of the last one, -1 if there was none.
    package static var last: Int32 { nodekeep_denied_calls().pointee.last }
}
