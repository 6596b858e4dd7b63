// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// What is to be done with the lease next: the kubelet's algorithm
/// (component-helpers/apimachinery/lease/controller.go), as a value without clock and I/O.
///
/// `next` says what to do, and `take` is told what came of it. Every quarter of the lease's duration it is updated as it
/// was last seen, five times at once if need be; a conflict, or five failures, has it read again, and where there is
/// none it is made.
package struct LeaseMachine: Sendable {
    package enum Step: Equatable, Sendable {
        /// Nothing before this time, unless `nodeAppeared`.
        case wait(until: Duration)
        /// The Node's uid is wanted, for the lease's owner.
        case findNode
        case get
        case create(JSONValue)
        case update(JSONValue)
        /// Nothing any more: the lease is somebody else's. Says why and what to do.
        case stop(String)
    }

    package enum Outcome: Sendable {
        /// Nil: there is no Node, or it is not ours yet.
        case node(uid: String?)
        /// Nil: there is no lease.
        case lease(JSONValue?)
        case failed(HeartbeatFailure)
    }

    private enum Task: Equatable {
        case findNode, get, create, update
    }

    private static let maximumTries = 5

    private let settings: HeartbeatSettings
    private let random: RandomSource
    private var due: Duration
    private var task = Task.get
    /// Of writes since the last rest.
    private var tries = 0
    private var pauses = Backoff(first: .milliseconds(200), limit: .seconds(7))
    private var slowPauses: Backoff
    private var watch = ForeignLeaseWatch()

    /// As the server last gave it.
    package private(set) var latest: JSONValue?
    package private(set) var nodeUID: String?
    /// Whether it was ours before: then whoever has it now took it.
    package private(set) var wasHeld = false
    private var refusal: String?
    /// It rests until the Node appears.
    private var waitsForNode = false
    /// What is wrong, for an operator; nil: nothing.
    package private(set) var problem: String?
    /// In how many calls in a row the server gave no answer, or a bad one: from the second on other connections are
    /// worth a try.
    package private(set) var failuresInRow = 0

    /// - Parameter spread: The first step comes within this time: so that nodes that start together do not come together.
    package init(_ settings: HeartbeatSettings, now: Duration, spread: Duration, random: @escaping RandomSource) {
        self.settings = settings
        self.random = random
        due = now + spread * random()
        slowPauses = Backoff(
            first: settings.renewInterval * 2, limit: max(settings.renewInterval * 2, .seconds(60)))
    }

    /// Whether it has ended for good, and `next` says why.
    package var isRefused: Bool { refusal != nil }

    private var needsOwner: Bool { settings.role != .none }

    package mutating func next(now: Duration, date: Timestamp) -> Step {
        if let refusal { return .stop(refusal) }
        guard now >= due else { return .wait(until: due) }
        switch task {
        case .findNode: return .findNode
        case .get: return .get
        case .create: return .create(NodeLease.new(settings, ownerUID: nodeUID, date: date))
        case .update:
            guard let latest else { return .get }
            return .update(NodeLease.renewed(latest, settings, ownerUID: nodeUID, date: date))
        }
    }

    /// The Node has been registered, or is another one than before.
    package mutating func nodeAppeared(uid: String, now: Duration) {
        nodeUID = uid
        guard waitsForNode else { return }
        waitsForNode = false
        due = min(due, now)
    }

    /// Whoever depends on the lease may have given the node up by now: it was not renewed for as long as it lasts.
    package func isLate(lastSuccess: Duration?, now: Duration) -> Bool {
        guard let lastSuccess else { return false }
        return now - lastSuccess > .seconds(settings.leaseDurationSeconds)
    }

    package mutating func take(_ outcome: Outcome, now: Duration) {
        waitsForNode = false
        switch outcome {
        case .failed(let failure): take(failure, now: now)
        case .node(let uid):
            failuresInRow = 0
            found(nodeUID: uid, now: now)
        case .lease(let lease):
            failuresInRow = 0
            switch task {
            case .get, .findNode: found(lease, now: now)
            case .create, .update: written(lease, now: now)
            }
        }
    }

    private mutating func found(nodeUID uid: String?, now: Duration) {
        nodeUID = uid
        guard uid != nil else {
            problem = "the Node \(settings.nodeName) is not registered yet, so there is no lease"
            task = .get
            rest(now: now)
            waitsForNode = true
            return
        }
        task = latest == nil ? .create : .update
    }

    private mutating func found(_ lease: JSONValue?, now: Duration) {
        guard let lease else {
            latest = nil
            watch = ForeignLeaseWatch()
            // It goes with its Node: that may be gone, or another one.
            if wasHeld { nodeUID = nil }
            task = needsOwner && nodeUID == nil ? .findNode : .create
            return
        }
        guard settings.role == .none || isOurs(lease, now: now) else { return }
        latest = lease
        wasHeld = true
        task = needsOwner && nodeUID == nil && !NodeLease.isOwned(lease) ? .findNode : .update
    }

    private mutating func written(_ lease: JSONValue?, now: Duration) {
        latest = lease
        wasHeld = true
        problem = nil
        pauses.reset()
        slowPauses.reset()
        task = lease == nil ? .get : .update
        rest(now: now)
    }

    /// Until the next tick: from now, not from when this one began, and up to 4 % more (wait.JitterUntil).
    private mutating func rest(now: Duration) {
        tries = 0
        due = now + settings.renewInterval * (1 + 0.04 * random())
    }
}

// What came of it when it was not what was hoped for.
extension LeaseMachine {
    private mutating func isOurs(_ lease: JSONValue, now: Duration) -> Bool {
        let name = "\(settings.leaseNamespace)/\(settings.leaseName)"
        let remedy =
            "Stop whoever that is, then: kubectl -n \(settings.leaseNamespace) delete lease \(settings.leaseName)"
        switch Ownership.claim(on: lease, settings) {
        case .ours:
            return true
        case .renewedByOthers:
            refusal =
                "somebody else renews the lease \(name), which is this node's: a kubelet, or another nodekeep. \(remedy)"
        case .foreign(let holder):
            if wasHeld {
                refusal = "the lease \(name) was taken over by \(holder). \(remedy)"
            } else if watch.isRenewed(lease, now: now) {
                refusal = "the lease \(name) is held by \(holder), who renews it. \(remedy)"
            } else {
                wait("the lease \(name) is held by \(holder), who does not renew it. \(remedy)", now: now)
            }
        case .otherInstallation(let installation):
            if wasHeld {
                refusal = "the lease \(name) was taken over by the installation \(installation). \(remedy)"
            } else if watch.isRenewed(lease, now: now) {
                refusal = "the lease \(name) is held by the installation \(installation), which renews it. \(remedy)"
            } else if watch.isDead(lease, now: now) {
                return true
            } else {
                wait("the lease \(name) is held by the installation \(installation) until it expires", now: now)
            }
        }
        problem = refusal ?? problem
        return false
    }

    private mutating func wait(_ why: String, now: Duration) {
        problem = why
        task = .get
        rest(now: now)
    }

    private mutating func take(_ failure: HeartbeatFailure, now: Duration) {
        // That somebody else has changed the lease as well is nothing to speak of, unless it goes on.
        if task != .update || failure.cause != .conflict || tries > 0 { problem = failure.description }
        switch task {
        case .get, .findNode:
            failuresInRow += 1
            pause(failure, now: now)
        case .create:
            tries += 1
            task = .get
            // Somebody made it meanwhile, perhaps a try of ours that seemed to have failed.
            if failure.cause == .conflict, tries < Self.maximumTries { return }
            failuresInRow += 1
            // The namespace is missing, or the Node is another one by now.
            if failure.cause == .notFound { nodeUID = nil }
            pause(failure, now: now, slowly: failure.cause == .notFound)
        case .update:
            updateFailed(failure, now: now)
        }
    }

    private mutating func updateFailed(_ failure: HeartbeatFailure, now: Duration) {
        tries += 1
        let mayTryAgain = tries < Self.maximumTries
        switch failure.cause {
        case .conflict:
            task = .get
            if !mayTryAgain { rest(now: now) }
        case .notFound, .gone:
            latest = nil
            task = .get
            if !mayTryAgain { rest(now: now) }
        default:
            failuresInRow += 1
            switch failure.reaction {
            case .atOnce:
                guard !mayTryAgain else { return }
                task = .get
            case .afterPause:
                // Whether it has been written is unknown: first look.
                if failure.cause == .serverTimeout { task = .get }
            case .slowly:
                // Not the same again.
                task = .get
            }
            pause(failure, now: now)
        }
    }

    private mutating func pause(_ failure: HeartbeatFailure, now: Duration, slowly: Bool = false) {
        tries = 0
        if slowly || failure.reaction == .slowly {
            due = now + failure.pause(&slowPauses, random)
        } else {
            due = now + failure.pause(&pauses, random)
        }
    }
}

/// Watches a lease that somebody else holds, by our own clock: the times in it are his.
struct ForeignLeaseWatch: Sendable {
    private var renewTime: String?
    private var since: Duration?

    /// Whether it was renewed since it was first seen.
    mutating func isRenewed(_ lease: JSONValue, now: Duration) -> Bool {
        let time = lease["spec", "renewTime"]?.text
        guard since != nil else {
            (renewTime, since) = (time, now)
            return false
        }
        return time != renewTime
    }

    /// Whether it was not renewed for as long as it lasts.
    func isDead(_ lease: JSONValue, now: Duration) -> Bool {
        guard let since else { return false }
        let seconds = min(max(lease["spec", "leaseDurationSeconds"]?.integer ?? 40, 1), 3_600)
        return now - since > .seconds(seconds)
    }
}
