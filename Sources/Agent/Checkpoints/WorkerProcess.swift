// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A dump or recovery process that is our child: its end wakes the keeper up.
final class WorkerProcess {
    let processID: pid_t
    /// A pidfd_open(2): readable when the process has ended. Nil where the kernel has none; then it is asked for.
    let descriptor: Int32?

    init(_ processID: pid_t) {
        self.processID = processID
        let opened = nodekeep_pidfd_open(processID)
        descriptor = opened >= 0 ? opened : nil
    }

    deinit {
        if let descriptor { close(descriptor) }
    }

    /// How it ended; nil while it runs. Reaps it: to be asked until it says something, and not again.
    func ending() -> String? {
        var status: Int32 = 0
        let result = waitpid(processID, &status, WNOHANG)
        if result == 0 || (result < 0 && errno == EINTR) { return nil }
        guard result == processID else { return "has ended" }
        let signal = status & 0x7f
        return signal == 0
            ? "exited with status \((status >> 8) & 0xff)"
            : "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
    }
}
