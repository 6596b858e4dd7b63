// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NodeStatus

/// Knows how the node is: one thread reads every source at its pace and publishes a snapshot each second and on change.
///
/// Whatever can hang is called in a thread of its own; a tick waits for none of them. Make it, `start` it, `stop` it.
package final class Collector: @unchecked Sendable {
    // Safe because everything mutable is touched only while the monitor is held.
    private let monitor = Monitor()
    private let stopped: Monitor.Condition
    private let wake = EventSignal()
    private let publish: @Sendable (NodeSnapshot) -> Void
    private let pool = ProbePool()
    private var state = State.idle
    private var options: CollectorOptions
    private var heartbeat: UInt64
    private var requests = Requests()

    private enum State { case idle, running, stopping, stopped }

    struct Requests {
        var stop = false
        var refresh = false
        var releasesShutdown = false
        var options: CollectorOptions?
        /// The inner nil: the runtime names none any more.
        var imageDirectory: String??
    }

    /// - Parameter publish: called from the collector's thread; it must not block.
    package init(options: CollectorOptions, publish: @escaping @Sendable (NodeSnapshot) -> Void) {
        self.options = options
        self.publish = publish
        heartbeat = options.clock.monotonic()
        stopped = Monitor.Condition(of: monitor)
    }

    /// When the collector last finished a tick, nanoseconds of CLOCK_MONOTONIC (or of the options' clock).
    ///
    /// It stands still when the collector's own thread does, and for no other reason: hanging sources do not hold it.
    package var lastTick: UInt64 { monitor.locked { heartbeat } }

    /// Starts the thread. The first snapshot follows within 200 ms.
    package func start() throws(SourceFailure) {
        let mayStart = monitor.locked { () -> Bool in
            guard state == .idle else { return false }
            state = .running
            return true
        }
        guard mayStart else { throw .failed("the collector has been started before") }
        do {
            try startReader(name: "collector") { self.run() }
        } catch {
            monitor.locked { state = .idle }
            throw error
        }
    }

    /// Ends the thread and waits for it; nothing is published afterwards. Calls that hang are left behind.
    package func stop() {
        monitor.locked {
            guard state == .running || state == .stopping else { return }
            state = .stopping
            requests.stop = true
            wake.signal()
            while state == .stopping { stopped.wait() }
        }
    }

    /// Reads everything again soon, whatever its pace.
    package func refresh() {
        monitor.locked { requests.refresh = true }
        wake.signal()
    }

    /// What had to be done before the machine is switched off has been done.
    package func letShutdownGoOn() {
        monitor.locked { requests.releasesShutdown = true }
        wake.signal()
    }

    /// Looks elsewhere from now on.
    package func update(options: CollectorOptions) {
        monitor.locked { requests.options = options }
        wake.signal()
    }

    /// The container runtime says that its images are in `directory`; nil: it no longer says where.
    package func imagesAre(in directory: String?) {
        monitor.locked { requests.imageDirectory = .some(directory) }
        wake.signal()
    }

    private func run() {
        let loop = CollectorLoop(monitor.locked { options }, wake: wake, pool: pool)
        loop.run(
            publish: publish,
            beat: { time in monitor.locked { heartbeat = time } },
            requests: {
                monitor.locked {
                    defer { requests = Requests(stop: requests.stop) }
                    return requests
                }
            })
        pool.stop()
        monitor.locked {
            state = .stopped
            stopped.broadcast()
        }
    }
}
