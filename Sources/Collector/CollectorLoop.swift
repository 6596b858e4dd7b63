// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus

/// What the collector's thread does: waits for the next second or for a change, reads, publishes.
final class CollectorLoop {
    private var options: CollectorOptions
    private let wake: EventSignal
    private let probes: ProbeTable
    private var bus: BusSource?
    private var engine: Engine
    private var lastEvents: UInt64 = 0
    private var hasEvents = false

    init(_ options: CollectorOptions, wake: EventSignal, pool: ProbePool) {
        self.options = options
        self.wake = wake
        probes = ProbeTable(pool)
        bus = BusSource(options, wake: wake)
        engine = Engine(options, probes: probes, bus: bus)
    }

    func run(publish: (NodeSnapshot) -> Void, beat: (UInt64) -> Void, requests: () -> Collector.Requests) {
        let clock = options.clock
        startBus()
        var schedule = TickSchedule(start: clock.monotonic())
        first()
        publish(engine.snapshot)
        beat(clock.monotonic())
        while true {
            let asked = requests()
            if asked.stop { break }
            if asked.releasesShutdown { bus?.releaseDelay() }
            if var options = asked.options {
                options.runtimeImageDirectory = self.options.runtimeImageDirectory
                rebuild(options)
                engine.tick(grace: 100 * .millisecond)
                publish(engine.snapshot)
            } else if asked.refresh {
                engine.refresh()
                engine.tick()
                publish(engine.snapshot)
            }
            if let directory = asked.imageDirectory {
                options.runtimeImageDirectory = directory
                engine.imagesAre(in: directory)
            }
            let now = clock.monotonic()
            if now >= schedule.deadline {
                engine.tick()
                hasEvents = false
                mountsHaveChanged = false
                publish(engine.snapshot)
                schedule.advance(clock.monotonic())
                beat(clock.monotonic())
            } else if hasEvents, now >= lastEvents.clampedSum(100 * .millisecond) {
                hasEvents = false
                lastEvents = now
                engine.followEvents()
                publish(engine.snapshot)
            }
            wait(min(schedule.deadline, hasEvents ? lastEvents.clampedSum(100 * .millisecond) : .max))
        }
        bus?.stop()
    }

    /// The bus gets a little time to be in the first snapshot.
    private func first() {
        let deadline = options.clock.monotonic().clampedSum(100 * .millisecond)
        engine.tick(grace: 100 * .millisecond)
        bus?.mailbox.waitUntilSettled(deadline: deadline)
        engine.followEvents()
    }

    private func startBus() {
        do {
            try bus?.start()
        } catch {
            let now = options.clock.now
            bus?.mailbox.update { state in
                for service in BusState.services { state.note(service, .failed(error), now, took: 0) }
                state.systemd = .missing(error.reason)
                state.host = .missing(error.reason)
            }
            bus?.mailbox.settle()
        }
    }

    /// Everything is looked at afresh; the bus stays unless its address is another. Calls that hang keep their
    /// threads, which the pool goes on counting.
    private func rebuild(_ options: CollectorOptions) {
        if options.busAddress != self.options.busAddress {
            bus?.stop()
            bus = BusSource(options, wake: wake)
            startBus()
        }
        bus?.refresh()
        self.options = options
        engine = Engine(options, probes: probes, bus: bus)
    }

    private func wait(_ deadline: UInt64) {
        // The kernel reports a change of these two files as an exceptional condition; each is looked at once an event
        // and then left alone until it has been dealt with, lest a busy mount table wake us all the time.
        var descriptors = [
            pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: hasEvents ? -1 : engine.netlinkDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: hasEvents ? -1 : engine.hostnameDescriptor, events: Int16(POLLPRI), revents: 0),
            pollfd(fd: mountsHaveChanged ? -1 : engine.mountDescriptor, events: Int16(POLLPRI), revents: 0),
        ]
        // Rounded up: a tick may be late by a millisecond, but the next one is not.
        let left = deadline.clampedDifference(options.clock.monotonic())
        let milliseconds = (left.clampedSum(.millisecond - 1)) / .millisecond
        let count = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: min(milliseconds, 1_000)))
        guard count > 0 else { return }
        if descriptors[0].revents != 0 {
            wake.drain()
            hasEvents = true
        }
        if descriptors[1].revents != 0 {
            engine.drainNetlink()
            hasEvents = true
        }
        if descriptors[2].revents & Int16(POLLPRI) != 0 {
            engine.hostnameChanged()
            hasEvents = true
        }
        if descriptors[3].revents & Int16(POLLPRI) != 0 {
            engine.mountsChanged()
            mountsHaveChanged = true
        }
    }

    /// Read at the next tick.
    private var mountsHaveChanged = false
}
