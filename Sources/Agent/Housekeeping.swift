// SPDX-License-Identifier: Apache-2.0
internal import ServiceLifecycle
internal import Systemd
internal import UnixSignals

/// Tells the service manager how the agent is: READY with the first snapshot, a status line when it changes, and a
/// sign of life as long as every loop of the liveness table goes round.
///
/// It runs on Swift concurrency on purpose: when that is stuck, the signs of life stop too.
struct Housekeeping: Service {
    let core: AgentCore
    let beats: LoopBeats

    func run() async throws {
        let watchdog = ServiceManager.watchdogTimeout
        // Half of what the manager allows; five seconds are enough to keep the loop's own beat and the status line.
        let interval = min(watchdog.map { $0 / 2 } ?? .seconds(5), .seconds(5))
        try? await cancelWhenGracefulShutdown {
            var isReady = false
            var status = ""
            var releaseAt: Duration?
            while !Task.isCancelled {
                let now = Time.monotonic()
                beats.beat(.services, at: now)
                let line = core.summary
                if !isReady, core.hasSnapshot {
                    ServiceManager.ready(status: line)
                    isReady = true
                    releaseAt = now + .seconds(5)
                } else if isReady, line != status {
                    ServiceManager.status(line)
                }
                status = line
                if let time = releaseAt, now >= time {
                    StartUpCode.release()
                    releaseAt = nil
                }
                if watchdog != nil, beats.stuck(at: now).isEmpty { ServiceManager.watchdog() }
                try await Task.sleep(for: isReady ? interval : .milliseconds(20))
            }
        }
    }
}

/// Reads the configuration again on SIGHUP.
struct Reloader: Service {
    let reload: @Sendable () -> Void

    init(_ reload: @escaping @Sendable () -> Void) {
        self.reload = reload
    }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            reload()
        }
    }
}
