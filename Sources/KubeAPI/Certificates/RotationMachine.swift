// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// When a client certificate is to be asked for, and as whom: no clock and no files, only what is said to it.
package struct RotationMachine: Equatable, Sendable {
    package struct Validity: Equatable, Sendable {
        package var notBefore: Timestamp
        package var notAfter: Timestamp

        package init(notBefore: Timestamp, notAfter: Timestamp) {
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    package enum Requester: Equatable, Sendable {
        /// The certificate that is to be replaced.
        case current
        /// The bootstrap kubeconfig.
        case bootstrap
    }

    package enum Step: Equatable, Sendable {
        case wait(Duration)
        case request(as: Requester)
        /// There is nobody to ask as.
        case stuck
    }

    /// The wall clock may be set while nothing happens, and files may be replaced: so often they are looked at.
    static let longestWait = Duration.seconds(600)
    /// client-go's (util/certificate/certificate_manager.go): 2 s, doubled, and no more than this.
    private static let firstPause = Duration.seconds(2)
    private static let longestPause = Duration.seconds(32)
    private static let jitter = 0.1
    /// Once a failure that people have to do something about has come more often than that in a row. An API server that
    /// has just started knows no tokens and roles for a moment.
    private static let slowPause = Duration.seconds(300)
    private static let quickTries = 3
    private static let pauseAfterSuccess = Duration.seconds(60)

    private var validity: Validity?
    /// When the certificate is to be replaced.
    package private(set) var renewal: Timestamp?
    private var failures = 0
    /// No request before that.
    private var nextTry = Duration.zero

    package init() {}

    /// The certificate that is there; nil: none. One that is another than before has its own time to be replaced: at a
    /// point between 70 % and 90 % of its life, by chance, so that a thousand nodes that joined together do not renew
    /// together.
    ///
    /// - Parameter random: From 0 to 1.
    package mutating func found(_ validity: Validity?, random: Double) {
        guard validity != self.validity else { return }
        self.validity = validity
        renewal = validity.map { validity in
            let life = Double(max(0, validity.notAfter.seconds - validity.notBefore.seconds))
            return Timestamp(seconds: validity.notBefore.seconds + Int64((life * (0.7 + 0.2 * random)).rounded()))
        }
        failures = 0
    }

    /// - Parameters:
    ///   - date: What the wall clock says.
    ///   - now: Monotonic.
    package func step(date: Timestamp, now: Duration, canBootstrap: Bool) -> Step {
        guard let validity, let renewal else {
            return canBootstrap ? request(as: .bootstrap, now) : .stuck
        }
        if date >= validity.notAfter {
            // Where there is nothing else, the server may see it otherwise: it has another clock.
            return request(as: canBootstrap ? .bootstrap : .current, now)
        }
        if date >= renewal { return request(as: .current, now) }
        let rest = renewal.seconds - date.seconds
        return .wait(min(.seconds(max(1, rest)), Self.longestWait))
    }

    private func request(as requester: Requester, _ now: Duration) -> Step {
        now >= nextTry ? .request(as: requester) : .wait(min(nextTry - now, Self.longestWait))
    }

    /// - Parameters:
    ///   - isForPeople: The same again would bring the same until somebody does something.
    ///   - retryAfter: What the server asked for.
    ///   - random: From 0 to 1.
    package mutating func failed(now: Duration, isForPeople: Bool, retryAfter: Duration?, random: Double) {
        let doublings = min(failures, 10)
        failures += 1
        var pause = min(Self.firstPause * (1 << doublings), Self.longestPause)
        if isForPeople, failures > Self.quickTries { pause = max(pause, Self.slowPause) }
        nextTry = now + max(pause * (1 + Self.jitter * random), retryAfter ?? .zero)
    }

    /// Until the next request may be made.
    package func pause(now: Duration) -> Duration { max(.zero, nextTry - now) }

    /// A new certificate is in place, and `found` is going to tell which. One that is old already when it comes, because a
    /// clock is wrong, is not a reason to ask for the next one at once.
    package mutating func succeeded(now: Duration) {
        failures = 0
        nextTry = now + Self.pauseAfterSuccess
    }
}
