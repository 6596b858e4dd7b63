// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Access
internal import CLinux
internal import Collector
internal import CRI
internal import Configuration
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus
internal import ServiceLifecycle
internal import Systemd
internal import UnixSignals

/// Wires the parts together: what starts in which order, who tells whom, and how it all ends.
struct Agent: Sendable {
    /// In-flight answers get this long when the agent stops; everything must be over within two seconds.
    private static let drainLimit: Duration = .milliseconds(1_200)

    private static let onlyHere =
        "Served on this machine only: no authenticator is configured, so the main listener is off."

    private let logger: Logger
    private let reread: @Sendable () throws -> ConfigurationResolution
    private let core: AgentCore
    private let beats: LoopBeats
    private let listeners: Listeners
    private let runLock: Int32
    private let gate: GateLoop
    private let keeper: CheckpointKeeper
    private let collector: Collector
    private let heartbeat: HeartbeatKeeper
    private let runtime: Runtime?
    private let gatekeeper: Gatekeeper
    /// Nil while nobody is served beyond this machine.
    private let access: AccessKeeper?

    /// The one client of the container runtime, and what it has told.
    private struct Runtime {
        var client: RuntimeClient
        var state: RuntimeState
    }

    /// Takes hold of everything the agent needs: directories, lock, listeners. Starts nothing.
    ///
    /// - Throws: `AgentError` naming what cannot be had and what to do.
    init(
        configuration: Configuration, logger: Logger, reread: @escaping @Sendable () throws -> ConfigurationResolution
    ) throws {
        // One arena for each core at the most would still be one for each thread here; two keep memory flat.
        nodekeep_limit_arenas(2)
        signal(SIGPIPE, SIG_IGN)
        self.logger = logger
        self.reread = reread
        try Directories.prepare(configuration.runDirectory, mode: 0o755, field: "runDir or --run-dir")
        try Directories.prepare(configuration.stateDirectory, mode: 0o700, field: "stateDir or --state-dir")
        runLock = try Directories.lock(runDirectory: configuration.runDirectory)
        let executable = try WebExecutable.find()
        let control = try AccessSetup.control(configuration, logger: logger)
        let listeners = try Listeners(
            localAddress: configuration.localAddress, localPort: configuration.localPort,
            socketPath: configuration.socketPath,
            main: control == nil ? nil : (configuration.address, configuration.port))
        let gatekeeper = Gatekeeper(control)
        let audit = AuditLog(logger)
        let tls = control == nil ? nil : TLSListener(configuration.tls)
        let access = try tls.map { tls in
            try AccessKeeper(
                gatekeeper: gatekeeper, tls: tls, certificate: AccessSetup.certificate(configuration), logger: logger)
        }
        let beats = LoopBeats(startedAt: Time.monotonic())
        let core = AgentCore(configuration: configuration, beats: beats, logger: logger, now: Time.now())
        let runtime = configuration.containerRuntimeEndpoint.map { endpoint in
            Runtime(
                client: RuntimeClient(socket: configuration.containerRuntimeSocket ?? endpoint),
                state: RuntimeState(endpoint: endpoint, logger: logger))
        }
        if let runtime { core.take(runtime.state.report) }
        let heartbeat = try HeartbeatKeeper(configuration, beats: beats, logger: logger)
        let processes = ProcessReader()
        let webFacts = WebFactsSource()
        let pages = ChangeSignal()
        let keeper = try CheckpointKeeper(
            settings: Self.checkpointSettings(configuration), client: runtime?.client,
            memory: { core.memorySpace }, logger: logger,
            changed: { pages.signal() }, ended: { heartbeat.tell($0) })
        let api = API { path in
            if path == API.resourceMetrics { runtime?.state.usageWanted() }
        }
        let gate = try GateLoop(
            api: api, listeners: listeners, executable: executable, beats: beats, logger: logger, calls: keeper,
            gatekeeper: gatekeeper, audit: audit, tls: tls,
            view: {
                let now = Time.monotonic()
                let web = webFacts.read()
                let facts = AgentFacts(
                    version: Version.current, startTime: core.startTime, listeners: listeners.all.map(\.name),
                    processes: processes.facts(web: web.processID, at: now), webStarts: web.starts,
                    notice: control == nil ? Self.onlyHere : nil, decisions: audit.decisions)
                return core.view(
                    facts: facts, web: web, checkpoints: keeper.view(at: now), heartbeat: heartbeat.view, at: now)
            })
        webFacts.follow(gate)
        pages.follow { gate.truthChanged() }
        let shutdown = ShutdownWatch(heartbeat: heartbeat)
        collector = Collector(options: Self.options(configuration)) { snapshot in
            let uptime = Time.monotonic()
            beats.beat(.collector, at: uptime)
            shutdown.take(snapshot)
            heartbeat.offer(core.take(snapshot, uptime: uptime, now: Time.now()))
            gate.truthChanged()
        }
        shutdown.follow(collector)
        self.listeners = listeners
        self.beats = beats
        self.core = core
        self.gate = gate
        self.keeper = keeper
        self.runtime = runtime
        self.gatekeeper = gatekeeper
        self.access = access
        self.heartbeat = heartbeat
    }

    /// Runs until SIGTERM or SIGINT.
    func run() async throws {
        do {
            try collector.start()
        } catch {
            throw AgentError("cannot start the collector: \(error)")
        }
        try keeper.start()
        try gate.start()
        try access?.start(revoke: { gate.revokeGrants() }, identityChanged: { gate.identityChanged() })
        logger.info(
            "serving on \(listeners.all.map(\.name).joined(separator: " and "))",
            metadata: .of(.agentStarted, ["version": "\(Version.current)", "pid": "\(getpid())"]))
        for listener in listeners.all {
            logger.info(
                "listening on \(listener.name)",
                metadata: .of(.listenerOpened, ["listener": "\(listener.kind)", "address": "\(listener.name)"]))
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger))
        try await group.run()
        await stop()
    }

    private var services: [ServiceGroupConfiguration.ServiceConfiguration] {
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: Housekeeping(core: core, beats: beats, logger: logger)),
            .init(service: Reloader { reload() }),
            .init(service: heartbeat),
        ]
        if let runtime {
            let monitor = RuntimeMonitor(client: runtime.client, state: runtime.state) { [core, collector] report in
                if core.take(report) { collector.imagesAre(in: report.imageFileSystems.value?.first) }
            }
            services.append(.init(service: monitor))
        }
        return services
    }

    /// The group's own records are about its workings; below a warning they tell an operator nothing.
    private var quietLogger: Logger {
        var quiet = Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
        quiet.logLevel = .critical
        return quiet
    }

    private func stop() async {
        ServiceManager.stopping()
        logger.info("stopping", metadata: .of(.agentStopping))
        // Whoever waits for a checkpoint is told so while web still answers.
        keeper.stop()
        let answered = Time.monotonic() + .milliseconds(300)
        while !keeper.isFinished, Time.monotonic() < answered {
            try? await Task.sleep(for: .milliseconds(5))
        }
        gate.drain(within: Self.drainLimit)
        let deadline = Time.monotonic() + Self.drainLimit + .milliseconds(200)
        while !gate.isFinished, Time.monotonic() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        access?.stop()
        listeners.removeSocket()
        logger.info("stopped", metadata: .of(.agentStopped))
        // The collector's thread and whatever hangs in it end with the process: waiting for a hung disk is not worth it.
    }

    /// Reads the configuration again. A bad one changes nothing. Reading a file can hang, so it has a thread of its own.
    private func reload() {
        do {
            try OwnThread.start(name: "reload") { self.reloadNow() }
        } catch {
            logger.error("cannot read the configuration again: \(error)", metadata: .of(.configurationRefused))
        }
    }

    private func reloadNow() {
        ServiceManager.reloading(monotonicMicroseconds: Time.monotonicMicroseconds())
        defer { ServiceManager.ready(status: core.summary) }
        let resolution = try? reread()
        guard let resolution, var new = resolution.configuration, resolution.problems.isEmpty else {
            for problem in resolution?.problems ?? [] {
                logger.error("\(problem)", metadata: .of(.configurationProblem))
            }
            logger.error("the new configuration is refused; the old one stays", metadata: .of(.configurationRefused))
            return
        }
        for warning in resolution.warnings { logger.warning("\(warning)", metadata: .of(.configurationWarning)) }
        let old = core.configuration
        for change in Self.changesThatNeedARestart(old, new) {
            logger.warning(
                "\(change) has changed: that takes effect when the agent is restarted",
                metadata: .of(.restartNeeded, ["setting": "\(change)"]))
        }
        // Not even by a reload in the moment in which the runtime is being started anew and its socket is gone.
        new.keepRuntime(of: old)
        updateAccess(old, new)
        core.update(new)
        keeper.update(Self.checkpointSettings(new))
        AgentLogging.logLevel.set(AgentLogging.level(verbosity: new.verbosity))
        collector.update(options: Self.options(new))
        collector.refresh()
        logger.info(
            "the configuration was read again", metadata: .of(.configurationRead, ["changed": "\(old != new)"]))
    }

    /// Another way to tell who may do what. Where its files are not in order, what was there before stays in force.
    private func updateAccess(_ old: Configuration, _ new: Configuration) {
        guard old.access != new.access, access != nil else { return }
        do {
            guard let control = try AccessSetup.control(new, logger: logger) else { return }
            gatekeeper.replace(with: control)
            gate.revokeGrants()
        } catch {
            logger.error("\(error); who may do what stays as it was", metadata: .of(.accessProblem))
        }
    }

    private static func changesThatNeedARestart(_ old: Configuration, _ new: Configuration) -> [String] {
        [
            old.localAddress == new.localAddress ? nil : "localAddress",
            old.localPort == new.localPort ? nil : "localPort",
            old.socketPath == new.socketPath ? nil : "socket",
            old.runDirectory == new.runDirectory ? nil : "runDir",
            old.containerRuntimeEndpoint == new.containerRuntimeEndpoint ? nil : "containerRuntimeEndpoint",
            old.stateDirectory == new.stateDirectory ? nil : "stateDir",
            old.access.hasAuthenticator == new.access.hasAuthenticator ? nil : "authentication",
            old.address == new.address && old.port == new.port ? nil : "address or port",
            old.cluster == new.cluster && old.access.kubeconfig == new.access.kubeconfig
                ? nil : "cluster, registerNode, nodeLeaseDurationSeconds or kubeconfig",
            old.tls == new.tls ? nil : "tlsCertFile, tlsPrivateKeyFile, tlsMinVersion or tlsCipherSuites",
        ].compactMap(\.self)
    }

    private static func checkpointSettings(_ configuration: Configuration) -> CheckpointSettings {
        CheckpointSettings(
            isEnabled: configuration.checkpointsEnabled, directory: configuration.checkpointDirectory,
            stateDirectory: configuration.stateDirectory, requestTimeout: configuration.runtimeRequestTimeout,
            runtimeEndpoint: configuration.containerRuntimeEndpoint, rootDirectory: configuration.rootDirectory,
            imageDirectory: configuration.imageDirectory,
            thresholds: configuration.node.evictionHard + configuration.node.evictionSoft)
    }

    private static func options(_ configuration: Configuration) -> CollectorOptions {
        var options = CollectorOptions()
        options.rootDirectory = configuration.rootDirectory
        options.imageDirectory = configuration.imageDirectory
        options.delaysShutdown = configuration.cluster.role != .none
        options.hostnameOverride =
            configuration.node.hostnameOverride.isEmpty ? nil : configuration.node.hostnameOverride
        return options
    }
}

extension Configuration {
    /// The runtime stays the one that the agent was started with.
    fileprivate mutating func keepRuntime(of old: Configuration) {
        guard containerRuntimeEndpoint != old.containerRuntimeEndpoint else { return }
        containerRuntimeEndpoint = old.containerRuntimeEndpoint
        node.runtimeConfigured = old.node.runtimeConfigured
        imageDirectory = old.imageDirectory
    }
}
