// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Systemd

/// The flags that make up the configuration together with the file; named as the kubelet names them where it has them.
struct ConfigurationOptions: ParsableArguments {
    static let defaultFile = "/etc/nodekeep/nodekeep.yaml"

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "The configuration file; a KubeletConfiguration is accepted too. Default: \(defaultFile), if it exists.",
            valueName: "file"),
        completion: .file())
    var file: String?

    @Option(
        help: ArgumentHelp("The directory whose file system is nodefs.", valueName: "directory"),
        completion: .directory)
    var rootDir: String?

    @Option(help: ArgumentHelp("The container runtime's socket, unix:///path.", valueName: "endpoint"))
    var containerRuntimeEndpoint: String?

    @Option(help: ArgumentHelp("Use this name instead of the host name.", valueName: "name"))
    var hostnameOverride: String?

    @Option(
        name: .customLong("node-ip"),
        help: ArgumentHelp("The node's address, or an IPv4 and an IPv6 one, comma-separated.", valueName: "addresses"))
    var nodeIP: String?

    @Option(name: .customLong("v"), help: ArgumentHelp("How much is logged: 0 to 10.", valueName: "level"))
    var verbosity: String?

    @Option(
        help: ArgumentHelp("Where what must survive a restart is kept.", valueName: "directory"),
        completion: .directory)
    var stateDir: String?

    @Option(
        help: ArgumentHelp("Where the socket and the lock are.", valueName: "directory"),
        completion: .directory)
    var runDir: String?

    @Option(help: ArgumentHelp("The loopback address of the local listener.", valueName: "address"))
    var localAddress: String?

    @Option(help: ArgumentHelp("The port of the local listener; 0 leaves it out.", valueName: "port"))
    var localPort: String?

    @Option(
        help: ArgumentHelp("The Unix socket.", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        help: ArgumentHelp("Where the API server is, and as whom it is spoken to.", valueName: "file"),
        completion: .file())
    var kubeconfig: String?

    @Option(
        help: ArgumentHelp("none, companion (beside a kubelet) or node (instead of one).", valueName: "role"),
        completion: .list(["none", "companion", "node"]))
    var clusterRole: String?

    @Option(
        help: ArgumentHelp("Whose token may ask for a client certificate, in role node.", valueName: "file"),
        completion: .file())
    var bootstrapKubeconfig: String?

    /// Reads the file and resolves everything into one value.
    ///
    /// - Throws: `ExitCode(2)` after every problem has been told.
    func resolve() throws -> (configuration: Configuration, warnings: [String]) {
        let resolution = try read()
        guard let configuration = resolution.configuration, resolution.problems.isEmpty else {
            Self.tell(resolution.problems.map { "\($0)" })
            throw ExitCode(2)
        }
        return (configuration, resolution.warnings)
    }

    /// The same without an opinion about problems: a reload logs them and goes on.
    ///
    /// - Throws: `ExitCode(2)` when the file that was named cannot be read.
    func read() throws -> ConfigurationResolution {
        var contents: ConfigurationSources.File?
        let path = file ?? Self.defaultFile
        switch RegularFile.read(path, limit: YAML.maximumBytes + 1) {
        case .success(let bytes):
            contents = ConfigurationSources.File(path: path, bytes: bytes)
        case .failure(let problem):
            guard file == nil, problem.isMissing else {
                Self.tell(["--config: \(path): \(problem.reason)"])
                throw ExitCode(2)
            }
        }
        var resolution = Configuration.resolve(
            ConfigurationSources(
                file: contents,
                flags: FlagValues(
                    rootDir: rootDir, stateDir: stateDir, runDir: runDir,
                    containerRuntimeEndpoint: containerRuntimeEndpoint, hostnameOverride: hostnameOverride,
                    nodeIP: nodeIP, localAddress: localAddress, localPort: localPort, socket: socket,
                    kubeconfig: kubeconfig, clusterRole: clusterRole, bootstrapKubeconfig: bootstrapKubeconfig,
                    v: verbosity),
                isRoot: geteuid() == 0, environment: Self.environment, exists: { access($0, F_OK) == 0 }))
        if resolution.configuration?.node.kubeletVersion.isEmpty == true {
            resolution.configuration?.node.kubeletVersion = Version.asKubelet
        }
        return resolution
    }

    /// A line each on standard error; where that is the journal, a record each.
    static func tell(_ problems: [String]) {
        guard Journal.isStandardError else { return problems.forEach(StandardError.print) }
        let logger = Logger(label: "nodekeep") { _ in JournalLogHandler() }
        for problem in problems { logger.error("\(problem)", metadata: .of(.configurationProblem)) }
    }

    private static var environment: [String: String] {
        var result: [String: String] = [:]
        for name in ["HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }
}
