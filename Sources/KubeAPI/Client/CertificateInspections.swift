// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Keeps what was found out about a server's certificate for half a minute, so that a client whose every request fails
/// does not double its connections.
final class CertificateInspections: Sendable {
    private static let lifetime = Duration.seconds(30)

    private struct Found {
        var address: String
        var revision: Int
        var fault: String?
        var goodUntil: Duration
    }

    private let clock: KubeClock
    private let found = Mutex<Found?>(nil)

    init(clock: KubeClock) {
        self.clock = clock
    }

    func fault(at address: String, revision: Int, _ inspect: @Sendable () async -> String?) async -> String? {
        let known = found.withLock { found -> Found? in
            guard let known = found, known.address == address, known.revision == revision,
                clock.now() < known.goodUntil
            else { return nil }
            return known
        }
        if let known { return known.fault }
        let fault = await inspect()
        found.withLock {
            $0 = Found(address: address, revision: revision, fault: fault, goodUntil: clock.now() + Self.lifetime)
        }
        return fault
    }
}
