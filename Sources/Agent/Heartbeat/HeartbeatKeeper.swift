// SPDX-License-Identifier: Apache-2.0
internal import Configuration
internal import Heartbeat
internal import KubeAPI
internal import Logbook
internal import Logging
internal import NodeStatus
internal import ServiceLifecycle
internal import Synchronization

/// The heartbeat in the configured role, with what it needs: files, a client of the API server, or a client certificate
/// that the cluster has still to give.
final class HeartbeatKeeper: Service {
    private struct State {
        /// Nil until there is somebody to speak to.
        var heartbeat: Heartbeat?
        var node: NodeObject?
        /// Why there is not.
        var problem: String?
    }

    private enum Source {
        case files
        case server(KubeConnection)
        case certificates(ClientCertificateManager)
    }

    /// Between two tries of what a disk or a file is in the way of.
    private static let pause: Duration = .seconds(10)
    /// A disk that takes longer hangs.
    private static let patience: Duration = .seconds(5)

    private let settings: HeartbeatSettings
    private let source: Source
    private let target: String
    private let directories: (run: String, state: String)
    private let options = KubeClient.Options(version: Version.current)
    private let stuckLoop: @Sendable () -> String?
    private let logger: Logger
    private let state = Mutex(State())

    /// Reads the credentials, and so waits for the disk.
    ///
    /// - Throws: `AgentError` naming the file that cannot be used.
    init(_ configuration: Configuration, beats: LoopBeats, logger: Logger) throws {
        let cluster = configuration.cluster
        var settings = HeartbeatSettings(
            role: cluster.role, nodeName: configuration.nodeName, installation: "",
            version: Version.current)
        settings.leaseDurationSeconds = cluster.leaseDurationSeconds
        settings.statusUpdateFrequency = configuration.statusUpdateFrequency
        settings.statusReportFrequency = configuration.node.statusReportFrequency
        settings.registersNode = cluster.registersNode
        settings.conditionPrefix = cluster.conditionPrefix
        if let namespace = cluster.leaseNamespace { settings.leaseNamespace = namespace }
        if let name = cluster.leaseName { settings.leaseName = name }
        self.settings = settings
        self.logger = logger
        directories = (configuration.runDirectory, configuration.stateDirectory)
        stuckLoop = { beats.stuck(at: Time.monotonic()).first?.rawValue }
        guard cluster.role != .none, let kubeconfig = configuration.access.kubeconfig else {
            target = configuration.runDirectory
            source = .files
            return
        }
        if let bootstrap = cluster.bootstrapKubeconfig {
            target = kubeconfig
            source = .certificates(
                ClientCertificateManager(
                    ClientCertificateManager.Settings(
                        identity: .node(settings.nodeName), directory: configuration.stateDirectory,
                        kubeconfig: kubeconfig, bootstrapKubeconfig: bootstrap, client: options),
                    logger: logger))
            return
        }
        do {
            let connection = try Kubeconfig.load(kubeconfig)
            target = "\(connection.server)"
            source = .server(connection)
        } catch {
            throw AgentError("the heartbeat (cluster.role \(cluster.role.rawValue)) cannot begin: \(error)")
        }
    }

    /// Leaves the node as it is now. From any thread, never waits.
    func offer(_ node: NodeObject) {
        let heartbeat = state.withLock { state in
            state.node = node
            return state.heartbeat
        }
        heartbeat?.statusChanged(node)
    }

    /// The machine is about to be switched off, or is not after all. Returns when that has been told, or in time.
    func prepareForShutdown(_ isComing: Bool, within limit: Duration) async {
        _ = await state.withLock { $0.heartbeat }?.prepareForShutdown(isComing, within: limit)
    }

    /// Something that whoever looks after the node should hear of.
    func record(_ level: EventObject.Level, reason: String, message: String, object: HeartbeatEvent.Object = .node) {
        state.withLock { $0.heartbeat }?.record(level, reason: reason, message: message, object: object)
    }

    var view: HeartbeatView {
        let certificate = certificates?.view
        let (heartbeat, problem) = state.withLock { ($0.heartbeat, $0.problem) }
        var view = heartbeat?.view ?? HeartbeatView(role: settings.role, target: target)
        if heartbeat == nil {
            view.lease.problem = problem ?? certificate.map { $0.problem ?? "there is no client certificate yet" }
            view.status.problem = view.lease.problem
        }
        view.certificate = certificate
        return view
    }

    private var certificates: ClientCertificateManager? {
        if case .certificates(let manager) = source { manager } else { nil }
    }

    /// Until the agent stops.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                if let certificates = self.certificates { group.addTask { await certificates.run() } }
                group.addTask { await self.beat() }
                await group.waitForAll()
            }
        }
    }

    private func beat() async {
        guard let settings = await named(settings) else { return }
        switch source {
        case .files:
            let files = HeartbeatStores.files(
                lease: FileLeaseStore(directory: directories.run), node: NodeStatusFile(directory: directories.state))
            await run(Heartbeat(settings, files, target: target, logger: logger, stuckLoop: stuckLoop))
        case .server(let connection):
            await beat(settings, connection)
        case .certificates(let manager):
            guard let connection = await manager.connection() else { return }
            await beat(settings, connection)
        }
    }

    /// With the name of this installation. Without a place to keep one, files can do with any; a cluster would see another
    /// agent after each start, so there it is waited for.
    private func named(_ settings: HeartbeatSettings) async -> HeartbeatSettings? {
        var settings = settings
        let directory = directories.state
        let disk = ExclusiveCall(name: "installation")
        while !Task.isCancelled {
            let name: Result<String, AgentError>
            do {
                name = try await disk.run(within: Self.patience, .system) {
                    Installation.name(stateDirectory: directory)
                }
            } catch {
                if Task.isCancelled { return nil }
                name = .failure(AgentError("the disk with \(directory) does not answer"))
            }
            switch name {
            case .success(let name):
                settings.installation = name
                return settings
            case .failure(let error):
                logger.warning("heartbeat: \(error)", metadata: .of(.heartbeatNotBegun))
                if settings.role == .none {
                    settings.installation = Installation.random()
                    return settings
                }
                state.withLock { $0.problem = "\(error)" }
                try? await Task.sleep(for: Self.pause)
            }
        }
        return nil
    }

    private func beat(_ settings: HeartbeatSettings, _ connection: KubeConnection) async {
        for warning in connection.warnings { logger.warning("\(warning)", metadata: .of(.kubeconfigWarning)) }
        while !Task.isCancelled {
            do throws(KubeconfigProblem) {
                let client = try KubeClient(connection, options, logger: logger)
                return await run(
                    Heartbeat(
                        settings, .apiServer(client, settings, renewConnections: { client.closeIdleConnections() }),
                        target: "\(connection.server)", logger: logger, stuckLoop: stuckLoop))
            } catch {
                logger.error("heartbeat: \(error)", metadata: .of(.heartbeatNotBegun))
                state.withLock { $0.problem = "\(error)" }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func run(_ heartbeat: Heartbeat) async {
        let node = state.withLock { state in
            state.heartbeat = heartbeat
            state.problem = nil
            return state.node
        }
        if let node { heartbeat.statusChanged(node) }
        await heartbeat.run()
    }
}
