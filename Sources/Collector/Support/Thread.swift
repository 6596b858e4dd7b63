// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A thread of our own: detached, every signal blocked (signals are the main program's), small stack.
///
/// - Parameters:
///   - name: at most 15 bytes, shown by `ps -L`.
///   - stackSize: address space, of which only touched pages are memory.
/// - Throws: the reason in words, when the kernel gives no thread.
func startThread(
    name: String, stackSize: Int = 512 * 1024, _ body: @escaping @Sendable () -> Void
) throws(SourceFailure) {
    let box = Unmanaged.passRetained(ThreadBody(name: name, body: body))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackSize)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let result = pthread_create(&thread, &attributes, runThreadBody, box.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    pthread_attr_destroy(&attributes)
    guard result == 0 else {
        box.release()
        throw .failed("start thread \(name): \(errorText(result))")
    }
}

private final class ThreadBody {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

// A free function: a closure written where it is passed would inherit the actor of whoever starts the collector.
private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let box = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
    _ = nodekeep_set_thread_name(box.name)
    box.body()
    return nil
}
