// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A dump that is cut off can leave its container frozen: what asks a process to end is not heard by this one.
enum IgnoredSignals {
    static func ignore() {
        for number in [SIGPIPE, SIGTERM, SIGHUP, SIGINT] { signal(number, SIG_IGN) }
    }
}
