// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import Synchronization

/// A verdict, and until when it may be used again.
package struct CachedVerdict<Verdict: Equatable & Sendable>: Equatable, Sendable {
    package var verdict: Verdict
    /// By the monotonic clock of whoever asks; nil: it was not kept.
    package var until: Duration?
}

package struct VerdictCacheLimits: Sendable {
    /// Verdicts that are kept.
    package var entries = 8_192
    /// What they take in memory, about.
    package var bytes = 16 << 20
    /// Look-ups that are under way at once. Who comes with another one is refused.
    package var lookups = 32
    /// For a look-up with all its retries.
    package var lookupTime = Duration.seconds(30)

    package init() {}
}

/// Keeps verdicts, and makes one look-up of all that are asked at the same time for the same thing. A look-up belongs to
/// nobody: it goes on when those who asked have gone. Failures are not kept.
final class VerdictCache<Verdict: Equatable & Sendable>: Sendable {
    typealias Outcome = Result<CachedVerdict<Verdict>, WebhookFailure>

    /// How a verdict is kept.
    struct Keeping: Sendable {
        var lifetime: Duration
        var bytes: Int
        /// Verdicts of one shelf make no room for those of another.
        var shelf: Int
    }

    private struct State {
        var shelves: [RecentlyUsed<KeyedDigest.Value, Verdict>]
        var underWay: [KeyedDigest.Value: OneTimeValue<Outcome>] = [:]
        /// Look-ups that have not ended, those included whose time is over.
        var running = 0
        /// What began before the last `removeAll` is not kept.
        var generation = 0

        mutating func find(_ key: KeyedDigest.Value, now: Duration) -> CachedVerdict<Verdict>? {
            for index in shelves.indices {
                if let found = shelves[index].find(key, now: now) {
                    return CachedVerdict(verdict: found.value, until: found.until)
                }
            }
            return nil
        }

        mutating func keep(
            _ verdict: Verdict, _ key: KeyedDigest.Value, _ keeping: Keeping, _ now: Duration
        ) -> CachedVerdict<Verdict> {
            guard keeping.lifetime > .zero, shelves.indices.contains(keeping.shelf) else {
                return CachedVerdict(verdict: verdict, until: nil)
            }
            let until = now + keeping.lifetime
            shelves[keeping.shelf].insert(key, verdict, until: until, bytes: keeping.bytes)
            return CachedVerdict(verdict: verdict, until: until)
        }
    }

    private let kind: String
    private let limits: VerdictCacheLimits
    private let clock: KubeClock
    private let keeping: @Sendable (Verdict) -> Keeping
    private let state: Mutex<State>

    /// - Parameters:
    ///   - kind: `TokenReview`, for messages.
    ///   - shelves: The most entries of each.
    init(
        kind: String, shelves: [Int], limits: VerdictCacheLimits, clock: KubeClock,
        keeping: @escaping @Sendable (Verdict) -> Keeping
    ) {
        self.kind = kind
        self.limits = limits
        self.clock = clock
        self.keeping = keeping
        state = Mutex(
            State(shelves: shelves.map { RecentlyUsed(maximumCount: $0, maximumBytes: limits.bytes) }))
    }

    func cached(_ key: KeyedDigest.Value, now: Duration) -> CachedVerdict<Verdict>? {
        state.withLock { $0.find(key, now: now) }
    }

    /// A kept verdict, or that of a look-up that is under way, or of a new one.
    ///
    /// - Parameter keep: False: the verdict is not kept.
    func verdict(
        _ key: KeyedDigest.Value, keep: Bool = true,
        _ lookUp: @escaping @Sendable () async throws(WebhookFailure) -> Verdict
    ) async throws(WebhookFailure) -> CachedVerdict<Verdict> {
        let now = clock.now()
        let step = state.withLock { state -> Step in
            if let known = state.find(key, now: now) { return .known(known) }
            if let outcome = state.underWay[key] { return .wait(outcome) }
            guard state.running < limits.lookups else { return .refuse }
            let outcome = OneTimeValue<Outcome>()
            state.underWay[key] = outcome
            state.running += 1
            return .start(outcome, state.generation)
        }
        let outcome: OneTimeValue<Outcome>
        switch step {
        case .known(let verdict): return verdict
        case .refuse:
            throw WebhookFailure(message: "\(kind): not asked, \(limits.lookups) look-ups are under way")
        case .wait(let underWay): outcome = underWay
        case .start(let new, let generation):
            outcome = new
            start(new, key, keep ? generation : nil, lookUp)
        }
        guard let result = await outcome.value() else {
            throw WebhookFailure(message: "\(kind): whoever asked has gone")
        }
        return try result.get()
    }

    /// Forgets everything; what is under way serves those who wait for it and is not kept.
    func removeAll() {
        state.withLock { state in
            for index in state.shelves.indices { state.shelves[index].removeAll() }
            state.underWay = [:]
            state.generation += 1
        }
    }

    /// Entries, bytes, look-ups under way.
    var usage: (entries: Int, bytes: Int, lookups: Int) {
        state.withLock { state in
            (state.shelves.reduce(0) { $0 + $1.count }, state.shelves.reduce(0) { $0 + $1.bytes }, state.running)
        }
    }

    private enum Step {
        case known(CachedVerdict<Verdict>)
        case wait(OneTimeValue<Outcome>)
        case start(OneTimeValue<Outcome>, Int)
        case refuse
    }

    private func start(
        _ outcome: OneTimeValue<Outcome>, _ key: KeyedDigest.Value, _ generation: Int?,
        _ lookUp: @escaping @Sendable () async throws(WebhookFailure) -> Verdict
    ) {
        let work = Task.detached {
            let result: Result<Verdict, WebhookFailure>
            do throws(WebhookFailure) {
                result = .success(try await lookUp())
            } catch {
                result = .failure(error)
            }
            self.state.withLock { $0.running -= 1 }
            self.end(outcome, key, generation, result)
        }
        // A look-up that does not heed its cancellation keeps its place among those under way; nobody waits for it.
        Task.detached {
            if await outcome.value(within: self.limits.lookupTime, self.clock) == nil {
                // In this order: what a cancelled look-up still has to say comes too late.
                let text = "\(self.kind): no verdict within \(self.limits.lookupTime)"
                self.end(outcome, key, nil, .failure(WebhookFailure(message: text)))
                work.cancel()
            }
        }
    }

    private func end(
        _ outcome: OneTimeValue<Outcome>, _ key: KeyedDigest.Value, _ generation: Int?,
        _ result: Result<Verdict, WebhookFailure>
    ) {
        let now = clock.now()
        let final: Outcome = state.withLock { state in
            if state.underWay[key] === outcome { state.underWay[key] = nil }
            switch result {
            case .failure(let failure): return .failure(failure)
            case .success(let verdict):
                // One that comes after its time has been answered already.
                guard !outcome.isComplete, generation == state.generation else {
                    return .success(CachedVerdict(verdict: verdict, until: nil))
                }
                return .success(state.keep(verdict, key, keeping(verdict), now))
            }
        }
        outcome.complete(final)
    }
}
