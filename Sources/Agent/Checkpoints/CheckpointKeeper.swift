// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import CRI
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// Takes checkpoint calls, lets them wait their turn, starts the dump processes and tells the callers how it ended.
///
/// One thread does all of it but the questions to the runtime, which are tasks. It touches the disk, so nobody waits
/// for it: calls come in through a mailbox, and what there is to show is a published value.
final class CheckpointKeeper: LongCalls, Sendable {
    enum Event: Sendable {
        case call(CheckpointCall, LongCallID, @Sendable (CheckpointAnswer) -> Void)
        case surveyed(LongCallID, Result<ContainerSurvey, RuntimeError>)
        case cancel(LongCallID)
        case cancelAll(web: Int32)
        case configure(CheckpointSettings)
        case stop
    }

    /// Its thread goes round at least every five seconds, unless it waits for a disk.
    private static let patience: Duration = .seconds(10)

    private let mailbox = Mutex<[Event]>([])
    private let published = Mutex(CheckpointsView())
    private let requestTimeout: Mutex<Duration>
    private let isStopped = Mutex(false)
    private let wakeup: Wakeup
    private let settings: CheckpointSettings
    private let client: RuntimeClient?
    private let memory: @Sendable () -> FileSystemSpace?
    /// When its thread last went round: it waits for disks, and a disk can hang.
    private let lastRound: Mutex<Duration>
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let ended: @Sendable (JobRecord) -> Void

    /// - Parameters:
    ///   - client: nil: no container runtime is configured.
    ///   - memory: the machine's memory as the last snapshot has it.
    ///   - changed: what there is to show has changed; called on the keeper's thread.
    ///   - ended: a job is over; the same.
    init(
        settings: CheckpointSettings, client: RuntimeClient?, memory: @escaping @Sendable () -> FileSystemSpace?,
        logger: Logger, changed: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable (JobRecord) -> Void
    ) throws {
        self.settings = settings
        self.client = client
        self.memory = memory
        lastRound = Mutex(Time.monotonic())
        self.logger = logger
        self.changed = changed
        self.ended = ended
        requestTimeout = Mutex(settings.requestTimeout)
        wakeup = try Wakeup()
        published.withLock { $0.directory = settings.isEnabled ? settings.directory : nil }
    }

    /// What there is to show, from any thread. A disk that hangs is no reason to call the agent dead, but it is one why
    /// no checkpoint can be taken.
    func view(at now: Duration) -> CheckpointsView {
        var view = published.withLock { $0 }
        if let directory = view.directory, isStuck(at: now) { view.problem = Self.problem(directory) }
        return view
    }

    private func isStuck(at now: Duration) -> Bool { now - lastRound.withLock { $0 } > Self.patience }

    private static func problem(_ directory: String) -> String {
        "\(directory) or the disk under it has not answered for \(GoDuration.format(patience))"
    }

    func start() throws {
        try OwnThread.start(name: "checkpoints") { self.run() }
    }

    func update(_ settings: CheckpointSettings) {
        requestTimeout.withLock { $0 = settings.requestTimeout }
        post(.configure(settings))
    }

    /// Answers every caller; dumps go on by themselves. `isFinished` tells when.
    func stop() { post(.stop) }

    var isFinished: Bool { isStopped.withLock { $0 } }

    func begin(
        _ call: CheckpointCall, _ id: LongCallID, reply: @escaping @Sendable (CheckpointAnswer) -> Void
    ) -> Duration {
        if isStuck(at: Time.monotonic()) {
            let directory = published.withLock { $0.directory } ?? settings.directory
            reply(.later(call, seconds: 10, Self.problem(directory)))
            return .zero
        }
        post(.call(call, id, reply))
        // Until the container has been looked up, and then for as long as the caller wants.
        return (call.timeout ?? requestTimeout.withLock { $0 }) + .seconds(20)
    }

    func cancel(_ id: LongCallID) { post(.cancel(id)) }
    func cancelAll(web: Int32) { post(.cancelAll(web: web)) }

    private func post(_ event: Event) {
        mailbox.withLock { $0.append(event) }
        wakeup.signal()
    }

    // MARK: - The thread

    private func run() {
        let launcher = DumpLauncher(
            runtimeSocket: settings.runtimeEndpoint.map { String($0.dropFirst("unix://".count)) }, logger: logger)
        var survey: CheckpointDesk.Survey?
        if let client {
            survey = { call throws(RuntimeError) in try await ContainerSurvey.make(call, client) }
        }
        let desk = CheckpointDesk(
            settings: settings, survey: survey,
            launch: { try launcher.start($0, job: $1, purpose: $2, directory: $3) }, memory: memory, logger: logger,
            post: { self.post($0) })
        desk.ended = ended
        desk.isUsing = { [settings, logger] directory in
            do {
                try UsedDirectory.note(directory, stateDirectory: settings.stateDirectory)
            } catch {
                logger.warning(
                    "\(error): after a configuration that cannot be read, \"nodekeep recover\" would not know of \(directory)",
                    metadata: .of(.recoveryProblem))
            }
        }
        desk.open(now: Time.monotonic())
        while !desk.isStopped {
            let now = Time.monotonic()
            lastRound.withLock { $0 = now }
            let events = mailbox.withLock { events in
                defer { events = [] }
                return events
            }
            for event in events { desk.handle(event, now: now) }
            desk.look(now: now)
            publish(desk.view)
            desk.sendAnswers()
            if !desk.isStopped { wait(desk, now: now) }
        }
        isStopped.withLock { $0 = true }
    }

    private func publish(_ view: CheckpointsView) {
        let isNew = published.withLock { current in
            guard current != view else { return false }
            current = view
            return true
        }
        if isNew { changed() }
    }

    private func wait(_ desk: CheckpointDesk, now: Duration) {
        var descriptors = [pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
        descriptors += desk.descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let timeout = min(max(desk.nextLook - now, .zero), .seconds(5)).pollMilliseconds
        if poll(&descriptors, nfds_t(descriptors.count), timeout) > 0, descriptors[0].revents != 0 {
            wakeup.clear()
        }
    }
}

/// What the operator has said about checkpoints.
struct CheckpointSettings: Equatable, Sendable {
    var isEnabled: Bool
    var directory: String
    /// Where the directory is noted down (`UsedDirectory`).
    var stateDirectory: String
    /// How long a caller waits who does not say.
    var requestTimeout: Duration
    /// `unix:///…`; nil: none is configured.
    var runtimeEndpoint: String?
    /// nodefs and imagefs are the file systems of these.
    var rootDirectory: String
    var imageDirectory: String
    /// The eviction thresholds that free space must stay above.
    var thresholds: [EvictionThreshold]
}
