// SPDX-License-Identifier: Apache-2.0

package import NodeStatus

/// The agent's whole configuration: defaults, file and flags as one validated value.
package struct Configuration: Equatable, Sendable {
    /// What concerns the node's status.
    package var node = NodeSettings()

    /// The directory whose file system is the nodefs.
    package var rootDirectory = "/var/lib/kubelet"
    /// What must survive a restart of the machine.
    package var stateDirectory = "/var/lib/nodekeep"
    /// What need not.
    package var runDirectory = "/run/nodekeep"
    package var socketPath = "/run/nodekeep/nodekeep.sock"

    /// A loopback address.
    package var localAddress = Configuration.defaultLocalAddress
    /// Zero: no local listener.
    package var localPort: UInt16 = 10_281
    /// Of the main listener, which is off while no authenticator is configured.
    package var address = Configuration.defaultAddress
    package var port: UInt16 = 10_280
    /// Who is let in on it, and to what.
    package var access = AccessSettings()
    package var tls = TLSSettings()
    /// Whom it tells that the node lives.
    package var cluster = ClusterSettings()

    /// `unix:///…`; nil: no container runtime is known.
    package var containerRuntimeEndpoint: String?
    /// The directory whose file system is the imagefs while the runtime does not say; follows from its socket's name.
    package var imageDirectory = "/var/lib/kubelet"

    /// The feature gate `ContainerCheckpoint`.
    package var checkpointsEnabled = true
    /// Where the archives of checkpoints are.
    package var checkpointDirectory = "/var/lib/kubelet/checkpoints"
    /// How long what takes its time in the runtime may take, unless the caller says.
    package var runtimeRequestTimeout: Duration = .seconds(120)

    /// How much is logged, 0…10.
    package var verbosity = 0
    /// Sets the default of `node.statusReportFrequency`, as in a kubelet.
    package var statusUpdateFrequency: Duration = .seconds(10)
    /// In canonical form (`0-3,8`), empty: none. `node.reservedSystemCPUs` is its size.
    package var reservedSystemCPUs = ""

    package init() {}

    // Literals that are addresses.
    package static let defaultLocalAddress = IPAddress("127.0.0.1")!
    /// Both families.
    package static let defaultAddress = IPAddress("::")!

    /// The socket of the runtime as a path.
    package var containerRuntimeSocket: String? {
        containerRuntimeEndpoint.map { String($0.dropFirst("unix://".count)) }
    }
}
