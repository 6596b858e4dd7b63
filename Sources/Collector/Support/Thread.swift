// SPDX-License-Identifier: Apache-2.0

import Posix

/// A thread of the collector's: every signal blocked (signals are the main program's), small stack.
///
/// - Throws: the reason in words, when the kernel gives no thread.
func startReader(name: String, _ body: @escaping @Sendable () -> Void) throws(SourceFailure) {
    do {
        try startThread(name: name, stackSize: 512 << 10, blocksSignals: true, body)
    } catch {
        throw .failed("start thread \(name): \(error.reason)")
    }
}
