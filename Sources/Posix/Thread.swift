// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Starts a thread of our own, outside Swift concurrency's pool, where a call may block. It runs `body` to its end, and
/// nobody waits for it.
///
/// - Parameters:
///   - name: at most 15 bytes, shown by `ps -L`.
///   - stackSize: address space, of which only touched pages are memory. Coding JSON, gzip and the resolver's modules fit
///     into the default, which is far from the C library's 8 MB.
///   - blocksSignals: signals are the main program's. What such a thread starts inherits that.
/// - Throws: when the system gives no thread.
package func startThread(
    name: String, stackSize: Int = 1 << 20, blocksSignals: Bool = false, _ body: @escaping @Sendable () -> Void
) throws(ErrorNumber) {
    let box = Unmanaged.passRetained(ThreadBody(name: name, body: body))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackSize)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let code: Int32
    if blocksSignals {
        // The new thread has the mask of the one that makes it.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        code = pthread_create(&thread, &attributes, runThreadBody, box.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
    } else {
        code = pthread_create(&thread, &attributes, runThreadBody, box.toOpaque())
    }
    guard code == 0 else {
        box.release()
        throw ErrorNumber(code: code)
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

// A free function: a closure written where it is passed would inherit the actor of whoever starts the thread, and trap.
private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let box = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    nodekeep_set_thread_name(box.name)
    box.body()
    return nil
}
