// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging
internal import Synchronization

/// The credentials of the moment. Their files are read again at most every few seconds, when a request wants them, on a
/// thread that may hang; what is broken leaves the last good ones in use, and is said.
final class CredentialStore: Sendable {
    struct Current: Sendable {
        let reading: CredentialReading
        /// Another number: other credentials.
        let revision: Int
    }

    /// Beyond this a request goes on with what there is. A look at a few files takes well under a millisecond.
    private static let patience = Duration.milliseconds(250)

    private struct State {
        var current: Current
        var lastLook: Duration
        var problem: String?
    }

    private let connection: KubeConnection
    private let clock: KubeClock
    private let interval: Duration
    private let logger: Logger
    let look = SharedCall<Void>(name: "kube-files")
    private let state: Mutex<State>

    /// Blocks: reads the files.
    init(
        _ connection: KubeConnection, interval: Duration, clock: KubeClock, logger: Logger
    ) throws(KubeconfigProblem) {
        self.connection = connection
        self.clock = clock
        self.interval = interval
        self.logger = logger
        let reading = try CredentialReading(try CredentialBytes(connection), connection)
        state = Mutex(State(current: Current(reading: reading, revision: 0), lastLook: clock.now(), problem: nil))
    }

    /// Why the files as they are now cannot be used; nil: they are in use.
    var problem: String? { state.withLock { $0.problem } }

    var latest: Current { state.withLock { $0.current } }

    /// What is to be used now. Waits a quarter of a second at most for a look at the files, when one is due.
    func current() async -> Current {
        guard connection.hasFiles else { return latest }
        let now = clock.now()
        let isDue = state.withLock { state in
            guard now - state.lastLook >= interval else { return false }
            state.lastLook = now
            return true
        }
        // One that hangs is not waited for a second time.
        if isDue, !look.isUnderWay { await refresh(within: Self.patience) }
        return latest
    }

    /// Looks at the files now.
    func refresh(within limit: Duration) async {
        guard connection.hasFiles else { return }
        await look.run(within: limit, clock) { self.lookAtFiles() }
    }

    private func lookAtFiles() {
        let old = latest
        let result: Result<CredentialReading?, KubeconfigProblem>
        do throws(KubeconfigProblem) {
            let bytes = try CredentialBytes(connection)
            result = .success(bytes == old.reading.bytes ? nil : try CredentialReading(bytes, connection))
        } catch {
            result = .failure(error)
        }
        switch result {
        case .success(nil): state.withLock { $0.problem = nil }
        case .success(let reading?):
            state.withLock {
                $0.current = Current(reading: reading, revision: old.revision + 1)
                $0.problem = nil
            }
            logger.info(
                "the credentials for \(connection.server) are new ones",
                metadata: .of(.credentialsChanged, ["server": "\(connection.server)"]))
        case .failure(let failure):
            let text = failure.description
            let isNew = state.withLock { state in
                defer { state.problem = text }
                return state.problem != text
            }
            // Files that are being replaced one after the other are broken for a moment: said once, tried again.
            guard isNew else { return }
            logger.warning(
                "the last good credentials for \(connection.server) stay in use: \(text)",
                metadata: .of(.credentialsProblem, ["server": "\(connection.server)"]))
        }
    }
}

extension KubeConnection {
    fileprivate var hasFiles: Bool {
        if case .authorities(.file) = trust { return true }
        return [clientCertificate?.chain, clientCertificate?.key, token].contains { $0?.path != nil }
    }
}
