// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging
internal import NodeStatus
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
    let logger: Logger

    func run() async throws {
        let watchdog = ServiceManager.watchdogTimeout
        // Half of what the manager allows; five seconds are enough to keep the loop's own beat and the status line.
        let interval = min(watchdog.map { $0 / 2 } ?? .seconds(5), .seconds(5))
        try? await cancelWhenGracefulShutdown {
            var isReady = false
            var status = ""
            var releaseAt: Duration?
            var stuckBefore: [AgentLoop] = []
            while !Task.isCancelled {
                let now = Time.monotonic()
                beats.beat(.services, at: now)
                let line = core.summary
                if !isReady, core.hasSnapshot {
                    ServiceManager.ready(status: line)
                    logger.info("ready: \(line)", metadata: .of(.agentReady))
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
                let stuck = beats.stuck(at: now)
                report(stuck, before: stuckBefore)
                stuckBefore = stuck
                // Not before READY: only then does the manager wait for it.
                if watchdog != nil, isReady, stuck.isEmpty { ServiceManager.watchdog() }
                try await Task.sleep(for: isReady ? interval : .milliseconds(20))
            }
        }
    }

    /// The health pages withhold the reason; the log has it.
    private func report(_ stuck: [AgentLoop], before: [AgentLoop]) {
        for loop in stuck where !before.contains(loop) {
            logger.error(
                "the loop \(loop.rawValue) has not gone round for \(GoDuration.format(loop.limit)); the watchdog gets no sign of life",
                metadata: .of(.loopStuck, ["loop": "\(loop.rawValue)"]))
        }
        for loop in before where !stuck.contains(loop) {
            logger.notice(
                "the loop \(loop.rawValue) goes round again",
                metadata: .of(.loopRecovered, ["loop": "\(loop.rawValue)"]))
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
