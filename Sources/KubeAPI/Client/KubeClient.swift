// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
package import Logging
package import NIOCore
internal import NIOPosix
package import NodeStatus
internal import Synchronization

/// A client of one API server.
///
/// It follows no redirect and tries nothing again by itself but for two things that cannot do harm: another address of the
/// server where one does not accept a connection, and a 401 after which the credentials' files turn out to be others.
/// Credentials and authorities given as files are followed while it runs. Each request has a deadline for all of it, an
/// answer has a largest size, and connections and requests under way have a largest number.
package final class KubeClient: KubeCalling {
    package struct Options: Sendable {
        /// Of this program, for `User-Agent: nodekeep/VERSION`.
        package var version: String
        /// For a request that names none.
        package var timeout = Duration.seconds(10)
        /// For TCP and TLS together, for each address; and how long a request waits for a free connection.
        package var connectTimeout = Duration.seconds(5)
        /// After which an unused connection is closed.
        package var idleTimeout = Duration.seconds(90)
        /// Bytes of an answer's body, for a request that names none.
        package var answerLimit = 1 << 20
        package var maximumConnections = 4
        /// Requests that run or wait for a connection.
        package var maximumRequests = 64
        /// How often at most files are looked at for other credentials.
        package var credentialInterval = Duration.seconds(10)

        package init(version: String) {
            self.version = version
        }
    }

    /// One thread for the connections to API servers, unless another group is given.
    package static let defaultEventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    package let connection: KubeConnection
    let options: Options
    let clock: KubeClock
    let eventLoops: any EventLoopGroup
    let credentials: CredentialStore
    /// Nil: what is connected to is given as an address.
    let resolver: NameResolver?
    let inspections: CertificateInspections

    private struct State {
        var pool: ConnectionPool?
        var epoch = 0
        /// The address to begin with: the last that was not found wanting.
        var address: String?
        var requests = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Reads the credentials' files: blocks as files do.
    ///
    /// - Throws: What is wrong with a file, named with what to do.
    package convenience init(
        _ connection: KubeConnection, _ options: Options, logger: Logger, clock: KubeClock = .system,
        eventLoops: any EventLoopGroup = KubeClient.defaultEventLoops
    ) throws(KubeconfigProblem) {
        try self.init(
            connection, options, logger: logger, clock: clock, eventLoops: eventLoops, lookUp: NameResolver.system)
    }

    init(
        _ connection: KubeConnection, _ options: Options, logger: Logger, clock: KubeClock,
        eventLoops: any EventLoopGroup, lookUp: @escaping NameResolver.Lookup
    ) throws(KubeconfigProblem) {
        self.connection = connection
        self.options = options
        self.clock = clock
        self.eventLoops = eventLoops
        credentials = try CredentialStore(
            connection, interval: options.credentialInterval, clock: clock, logger: logger)
        inspections = CertificateInspections(clock: clock)
        // Behind a proxy it is the proxy that looks the server up.
        let host = connection.proxy?.host ?? connection.server.host
        resolver = IPAddress(host) != nil ? nil : NameResolver(host: host, clock: clock, lookUp: lookUp)
    }

    /// Why the credentials' files as they are now cannot be used; nil: they are in use. Files that could not be used
    /// from the beginning make no client.
    package var credentialProblem: String? { credentials.problem }

    /// When our own certificate ends; nil: there is none.
    package var clientCertificateExpires: Timestamp? { credentials.latest.reading.material.clientCertificateExpires }

    /// Looks at the credentials' files now instead of when it is due. Waits two seconds at most.
    package func refreshCredentials() async {
        await credentials.refresh(within: .seconds(2))
    }

    /// Makes sure that no request from now on uses a connection that was made before; those that run may end. For a
    /// caller whose requests fail one after the other.
    package func closeIdleConnections() {
        let old = state.withLock { state in
            state.epoch += 1
            defer { state.pool = nil }
            return state.pool
        }
        // Its connections are closed when the last that holds it lets go, here or in a request.
        _ = old
    }

    /// Ends the requests under way and closes all connections. Every later request fails.
    package func shutdown() async {
        let pool = state.withLock { state in
            state.isClosed = true
            defer { state.pool = nil }
            return state.pool
        }
        try? await pool?.client.shutdown()
    }
}

extension KubeClient {
    /// One request more, unless there are too many.
    func enter() -> KubeError.Kind? {
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard state.requests < options.maximumRequests else { return .busy }
            state.requests += 1
            return nil
        }
    }

    func leave() {
        state.withLock { $0.requests -= 1 }
    }

    /// The connections to use with these credentials and this address.
    func pool(_ current: CredentialStore.Current, address: String?) -> ConnectionPool? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            let key = ConnectionPool.Key(revision: current.revision, address: address, epoch: state.epoch)
            if let pool = state.pool, pool.key == key { return pool }
            let pool = ConnectionPool(
                key: key, connection: connection, material: current.reading.material, options: options,
                eventLoops: eventLoops)
            state.pool = pool
            return pool
        }
    }

    /// Begins with the address that is in use.
    func ordered(_ addresses: [String]) -> [String] {
        guard let first = state.withLock({ $0.address }), let index = addresses.firstIndex(of: first) else {
            return addresses
        }
        return Array(addresses[index...] + addresses[..<index])
    }

    /// The next request begins with the address after this one.
    func pass(over address: String, in addresses: [String]) {
        guard addresses.count > 1, let index = addresses.firstIndex(of: address) else { return }
        let next = addresses[(index + 1) % addresses.count]
        state.withLock { $0.address = next }
    }

    func stay(with address: String) {
        state.withLock { $0.address = address }
    }
}
