// SPDX-License-Identifier: Apache-2.0

/// Everything a configuration is made of. Nothing else is looked at: no file, no environment, no clock.
package struct ConfigurationSources {
    package struct File: Sendable {
        package var path: String
        package var bytes: [UInt8]

        package init(path: String, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
        }
    }

    /// Nil: there is none, all defaults.
    package var file: File?
    package var flags: FlagValues
    /// Whether the agent runs as root; the places to write to depend on it.
    package var isRoot: Bool
    /// `HOME`, `XDG_STATE_HOME` and `XDG_RUNTIME_DIR` are looked at.
    package var environment: [String: String]
    /// Is there something at this path? Asked for the container runtimes' sockets.
    package var exists: (String) -> Bool

    package init(
        file: File? = nil, flags: FlagValues = FlagValues(), isRoot: Bool = true, environment: [String: String] = [:],
        exists: @escaping (String) -> Bool = { _ in false }
    ) {
        self.file = file
        self.flags = flags
        self.isRoot = isRoot
        self.environment = environment
        self.exists = exists
    }
}

/// The flags that set something, as typed; nil: not given. A flag wins over the file. (`--config` names the file.)
package struct FlagValues: Equatable, Sendable {
    package var rootDir: String?
    package var stateDir: String?
    package var runDir: String?
    package var containerRuntimeEndpoint: String?
    package var hostnameOverride: String?
    package var nodeIP: String?
    package var localAddress: String?
    package var localPort: String?
    package var socket: String?
    package var kubeconfig: String?
    package var clusterRole: String?
    package var bootstrapKubeconfig: String?
    package var v: String?

    package init(
        rootDir: String? = nil, stateDir: String? = nil, runDir: String? = nil,
        containerRuntimeEndpoint: String? = nil, hostnameOverride: String? = nil, nodeIP: String? = nil,
        localAddress: String? = nil, localPort: String? = nil, socket: String? = nil, kubeconfig: String? = nil,
        clusterRole: String? = nil, bootstrapKubeconfig: String? = nil,
        v: String? = nil
    ) {
        self.rootDir = rootDir
        self.stateDir = stateDir
        self.runDir = runDir
        self.containerRuntimeEndpoint = containerRuntimeEndpoint
        self.hostnameOverride = hostnameOverride
        self.nodeIP = nodeIP
        self.localAddress = localAddress
        self.localPort = localPort
        self.socket = socket
        self.kubeconfig = kubeconfig
        self.clusterRole = clusterRole
        self.bootstrapKubeconfig = bootstrapKubeconfig
        self.v = v
    }
}

/// What came of the sources: a configuration, unless there are problems.
package struct ConfigurationResolution: Equatable, Sendable {
    package var configuration: Configuration?
    package var problems: [ConfigurationProblem]
    package var warnings: [String]
}
