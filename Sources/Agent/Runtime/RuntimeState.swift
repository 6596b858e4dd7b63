// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// What is known of the container runtime, and what is to be asked of it next. From any thread.
final class RuntimeState: Sendable {
    private struct Facts {
        var report: RuntimeReport
        var schedule = RuntimeSchedule()
        var ledger = RuntimeLedger()
        /// For each sandbox that has been looked at whether its pod has a cgroup of its own.
        var hasPodCgroup: [String: Bool] = [:]
        var sleeper: Task<Void, Never>?
        /// One that comes and goes could fill the log.
        var logAllowance = LogAllowance(burst: 30, perSecond: 0.1)
    }

    private let facts: Mutex<Facts>
    private let clock: RuntimeClock
    private let logger: Logger

    init(endpoint: String, clock: RuntimeClock = RuntimeClock(), logger: Logger) {
        facts = Mutex(Facts(report: RuntimeReport(endpoint: endpoint)))
        self.clock = clock
        self.logger = logger
    }

    var report: RuntimeReport {
        facts.withLock { facts in
            var report = facts.report
            report.calls = facts.ledger.calls
            report.sources = facts.ledger.sources
            return report
        }
    }

    // MARK: - When what is asked

    /// The readings that are to be made now.
    func start() -> [RuntimeSchedule.Reading] { facts.withLock { $0.schedule.start(at: clock.monotonic()) } }

    /// Whether Version is to be asked with the Status that is being asked.
    func startVersion() -> Bool { facts.withLock { $0.schedule.startVersion(at: clock.monotonic()) } }

    func ended(_ reading: RuntimeSchedule.Reading) {
        facts.withLock { $0.schedule.ended(reading, at: clock.monotonic()) }
    }

    /// Somebody wants to know what containers use.
    func usageWanted() {
        facts.withLock { facts in
            if facts.schedule.usageWanted(at: clock.monotonic()) { facts.sleeper?.cancel() }
        }
    }

    func containersChanged() {
        facts.withLock { facts in
            facts.schedule.containersChanged(at: clock.monotonic())
            facts.sleeper?.cancel()
        }
    }

    /// Sleeps until something is due: by its time, or because something has happened.
    func rest() async {
        let sleeper = facts.withLock { facts in
            let time = facts.schedule.rest(at: clock.monotonic())
            let sleeper = Task { _ = try? await Task.sleep(for: time) }
            facts.sleeper = sleeper
            return sleeper
        }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
    }

    /// - Parameters:
    ///   - lasted: how long there have been events.
    ///   - failure: nil: the runtime itself has ended the stream.
    func eventsEnded(after lasted: Duration, failure: RuntimeError?) {
        facts.withLock { facts in
            let now = clock.monotonic()
            // One that has none ends the stream at once or does not know it. A connection that is lost is more often
            // than not a runtime that starts anew, maybe with another configuration.
            let hasEvents = failure?.isConnectionLoss == true || lasted >= RuntimeSchedule.leastDistance
            if failure?.isConnectionLoss == true { facts.schedule.connectionLost(at: now) }
            facts.schedule.eventsEnded(at: now, again: hasEvents)
            facts.sleeper?.cancel()
        }
    }

    // MARK: - What was answered

    func note(call operation: String, took: Duration, failed: Bool) {
        facts.withLock { $0.ledger.note(call: operation, took: took, failed: failed) }
    }

    /// - Parameter version: nil: it was not asked.
    func answered(_ status: RuntimeStatus, version: Result<RuntimeVersion, RuntimeLedger.Failure>?, took: Duration) {
        let now = clock.wall()
        let news: RuntimeReport? = facts.withLock { facts in
            let before = (facts.report.contact, facts.report.name, facts.report.version.value)
            facts.report.take(status, at: now)
            if let version { facts.report.take(version, at: now) }
            if case .failure = version { facts.schedule.versionFailed() }
            let isAnother =
                (before.1, before.2) != (facts.report.name, facts.report.version.value)
                && facts.report.version.value != nil
            facts.schedule.answered(at: clock.monotonic(), isAnother: isAnother)
            facts.ledger.note(source: "runtime", failure: nil, took: took, at: now)
            // Whatever waited for this answer is due.
            facts.sleeper?.cancel()
            guard before.0 != .answers || isAnother, facts.logAllowance.take(clock.monotonic()) else { return nil }
            return facts.report
        }
        guard let news else { return }
        logger.notice(
            "the container runtime at \(news.endpoint) answers: \(news.name ?? "") \(news.version.value?.version ?? "")",
            metadata: .of(.runtimeAnswers, ["endpoint": "\(news.endpoint)"]))
    }

    func failed(_ failure: RuntimeLedger.Failure, took: Duration) {
        let now = clock.wall()
        let isNews = facts.withLock { facts in
            let before = facts.report.contact
            facts.report.lose(failure.reason, at: now)
            facts.schedule.failed()
            facts.ledger.note(source: "runtime", failure: failure, took: took, at: now)
            if case .fails = before { return false }
            return facts.logAllowance.take(clock.monotonic())
        }
        if isNews {
            logger.warning(
                "the container runtime does not answer: \(failure.reason)",
                metadata: .of(.runtimeLost, ["endpoint": "\(facts.withLock { $0.report.endpoint })"]))
        }
    }

    func take(cgroupDriver: Result<CgroupDriver, RuntimeLedger.Failure>, took: Duration) {
        note(cgroupDriver, "runtime:config", took) { report, driver, now in
            report.cgroupDriver = .value(driver.rawValue, at: now)
        } failed: { report, reason in
            report.cgroupDriver = .missing(reason)
        }
    }

    func take(checkpointSupport support: CheckpointSupport) {
        let new: RuntimeReport.CheckpointSupport =
            switch support {
            case .supported: .supported
            case .unsupported(let reason): .unsupported(reason)
            case .unknown(let reason): .unknown(reason)
            }
        let isNews = facts.withLock { facts in
            // An answer to a question from before the runtime went away is worth nothing.
            guard facts.report.contact == .answers, facts.report.checkpoint != new else { return false }
            facts.report.checkpoint = new
            return facts.logAllowance.take(clock.monotonic())
        }
        guard isNews else { return }
        switch new {
        case .supported:
            logger.info(
                "the container runtime can take checkpoints", metadata: .of(.runtimeCheckpoints, ["supported": "yes"]))
        case .unsupported(let reason):
            logger.notice(
                "the container runtime cannot take checkpoints: \(reason)",
                metadata: .of(.runtimeCheckpoints, ["supported": "no"]))
        case .unknown(let reason):
            logger.notice(
                "whether the container runtime can take checkpoints is unknown: \(reason)",
                metadata: .of(.runtimeCheckpoints, ["supported": "unknown"]))
        }
    }

    /// A failure leaves what was known: the images and their place do not go away because nobody can ask for them.
    func take(images: Result<[RuntimeImage], RuntimeLedger.Failure>, took: Duration) {
        note(images, "runtime:images", took) { report, images, now in
            report.images = .value(RuntimeReport.Image.sorted(images.map(RuntimeReport.Image.init)), at: now)
        } failed: { report, reason in
            if report.images.value == nil { report.images = .missing(reason) }
        }
    }

    func take(imageFileSystems: Result<[RuntimeFileSystem], RuntimeLedger.Failure>, took: Duration) {
        note(imageFileSystems, "runtime:imagefs", took) { report, fileSystems, now in
            report.imageFileSystems = .value(fileSystems.map(\.mountpoint).filter { $0.hasPrefix("/") }, at: now)
        } failed: { report, reason in
            if report.imageFileSystems.value == nil { report.imageFileSystems = .missing(reason) }
        }
    }

    func take(usage: Result<RuntimeUsage, RuntimeLedger.Failure>, took: Duration) {
        note(usage, "runtime:usage", took) { report, usage, now in
            report.usage = .value(usage, at: now)
        } failed: { report, reason in
            report.usage = .missing(reason)
        }
    }

    private func note<Value>(
        _ result: Result<Value, RuntimeLedger.Failure>, _ source: String, _ took: Duration,
        _ take: (inout RuntimeReport, Value, Timestamp) -> Void, failed: (inout RuntimeReport, String) -> Void
    ) {
        let now = clock.wall()
        facts.withLock { facts in
            switch result {
            case .success(let value):
                take(&facts.report, value, now)
                facts.ledger.note(source: source, failure: nil, took: took, at: now)
            case .failure(let failure):
                failed(&facts.report, failure.reason)
                facts.ledger.note(source: source, failure: failure, took: took, at: now)
            }
        }
    }

    // MARK: - Pods' cgroups

    /// Of these sandboxes those that have not been looked at; what is known of others is forgotten.
    func sandboxesToLookAt(among sandboxes: Set<String>) -> Set<String> {
        facts.withLock { facts in
            facts.hasPodCgroup = facts.hasPodCgroup.filter { sandboxes.contains($0.key) }
            return sandboxes.subtracting(facts.hasPodCgroup.keys)
        }
    }

    func note(sandbox: String, hasPodCgroup: Bool) { facts.withLock { $0.hasPodCgroup[sandbox] = hasPodCgroup } }

    var podCgroups: Set<String> { facts.withLock { Set($0.hasPodCgroup.filter(\.value).keys) } }
}

/// The two clocks, to be replaced in tests.
struct RuntimeClock: Sendable {
    var monotonic: @Sendable () -> Duration = { Time.monotonic() }
    var wall: @Sendable () -> Timestamp = { Time.now() }
}
