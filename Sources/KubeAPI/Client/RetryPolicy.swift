// SPDX-License-Identifier: Apache-2.0

/// Tries of a webhook's call: 500 ms, then half as much again each time, each pause up to a fifth longer by chance, five
/// calls in all (apiserver/pkg/server/options/authentication.go DefaultAuthWebhookRetryBackoff).
package struct RetryPolicy: Sendable {
    package var firstPause = Duration.milliseconds(500)
    package var factor = 1.5
    package var jitter = 0.2
    /// Calls, the first included.
    package var steps = 5
    /// A server that asks for more than this with `Retry-After` is not waited for: somebody waits here as well.
    package var longestPause = Duration.seconds(10)
    package var sleep: @Sendable (Duration) async throws -> Void
    /// From 0 to 1.
    package var random: @Sendable () -> Double

    package init(
        sleep: @escaping @Sendable (Duration) async throws -> Void = KubeClock.system.sleep,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.sleep = sleep
        self.random = random
    }

    /// Calls until it succeeds, until the failure is one that is not tried again, or until the last step: then the last
    /// failure is thrown. When the task is cancelled, no further call is made.
    package func run<Value: Sendable>(
        _ call: @Sendable () async throws(KubeError) -> Value
    ) async throws(KubeError) -> Value {
        var pause = firstPause
        var step = 1
        while true {
            let failure: KubeError
            do throws(KubeError) {
                return try await call()
            } catch {
                failure = error
            }
            guard step < steps, failure.isRetriedByWebhooks else { throw failure }
            let wait = max(pause * (1 + jitter * random()), failure.retryAfter ?? .zero)
            guard wait <= longestPause else { throw failure }
            do {
                try await sleep(wait)
            } catch {
                throw failure
            }
            pause = pause * factor
            step += 1
        }
    }
}
