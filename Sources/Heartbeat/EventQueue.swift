// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
internal import NodeStatus

/// Events on their way to the API server, one after the other: what is to be done next, as a value without clock and I/O.
package struct EventQueue: Sendable {
    package enum Step: Equatable, Sendable {
        /// Nothing before this time; nil: until there is an event, or a Node.
        case wait(until: Duration?)
        case create(JSONValue, namespace: String)
        case patch(JSONValue, namespace: String, name: String)
    }

    private struct Sending: Equatable {
        var event: HeartbeatEvent
        var record: EventRecord
        var isPatch: Bool
        var tries = 0
    }

    /// client-go's (tools/record/event.go): more is dropped.
    static let limit = 1_000
    private static let maximumTries = 12
    private static let pause: Duration = .seconds(10)

    private let nodeName: String
    private let random: RandomSource
    private var waiting: [HeartbeatEvent] = []
    private var sending: Sending?
    private var correlator = EventCorrelator()
    private var holdUntil: Duration = .zero
    private var lastTime: Timestamp?
    private var nodeUID: String?

    package private(set) var dropped: UInt64 = 0
    package private(set) var suppressed: UInt64 = 0
    package private(set) var problem: String?

    package init(nodeName: String, random: @escaping RandomSource) {
        self.nodeName = nodeName
        self.random = random
    }

    package var queued: Int { waiting.count + (sending == nil ? 0 : 1) }

    package mutating func add(_ event: HeartbeatEvent) {
        guard waiting.count < Self.limit else {
            dropped &+= 1
            return
        }
        waiting.append(event)
    }

    /// Without the Node's own uid an event is not shown with it: until it is known, nothing is sent.
    package mutating func nodeIs(uid: String?) {
        nodeUID = uid ?? nodeUID
    }

    package mutating func next(now: Duration) -> Step {
        guard let nodeUID else { return .wait(until: nil) }
        guard now >= holdUntil else { return .wait(until: holdUntil) }
        while sending == nil, !waiting.isEmpty { correlate(waiting.removeFirst(), now: now) }
        guard let sending else { return .wait(until: nil) }
        let event = sending.record.object(sending.event, nodeName: nodeName, nodeUID: nodeUID)
        return sending.isPatch
            ? .patch(event.patch, namespace: event.namespace, name: event.name)
            : .create(event.object, namespace: event.namespace)
    }

    private mutating func correlate(_ event: HeartbeatEvent, now: Duration) {
        switch correlator.correlate(event, name: name(of: event), now: now) {
        case .create(let record): sending = Sending(event: event, record: record, isPatch: false)
        case .patch(let record): sending = Sending(event: event, record: record, isPatch: true)
        case .suppress: suppressed &+= 1
        }
    }

    package mutating func take(_ failure: HeartbeatFailure?, now: Duration) {
        // A try of ours that seemed to have failed has made it.
        let isThere = failure?.cause == .conflict && sending?.isPatch == false
        problem = isThere ? nil : failure?.description
        guard let failure, !isThere, var current = sending else {
            sending = nil
            return
        }
        if failure.cause == .notFound, current.isPatch {
            // It has expired there: it begins anew.
            current.isPatch = false
            sending = current
            return
        }
        current.tries += 1
        guard failure.isWorthAnotherEvent, current.tries < Self.maximumTries else {
            // It is not there, so it is not to be counted up.
            if !current.isPatch { correlator.forget(current.record) }
            dropped &+= 1
            sending = nil
            return
        }
        sending = current
        let pause = Self.pause * (current.tries == 1 ? random() : 1)
        holdUntil = now + max(pause, min(failure.retryAfter ?? .zero, .seconds(60)))
    }

    /// As client-go names them, after the object and the nanosecond; never the same twice.
    private mutating func name(of event: HeartbeatEvent) -> String {
        var time = event.time
        if let lastTime, time <= lastTime {
            time = lastTime
            time.nanoseconds += 1
            if time.nanoseconds >= 1_000_000_000 { time = Timestamp(seconds: time.seconds &+ 1) }
        }
        lastTime = time
        switch event.object {
        case .node: return EventObject.name(of: nodeName, at: time)
        case .pod(_, let name, _): return EventObject.name(of: name, at: time)
        }
    }
}

extension HeartbeatFailure {
    /// client-go repeats none that an answer was given to; where the answer says to come again, we do.
    fileprivate var isWorthAnotherEvent: Bool {
        switch cause {
        case .connect, .connectionLost, .timeout, .nameResolution, .tls, .tooManyRequests, .serverError,
            .serverTimeout, .unauthorized:
            true
        default: false
        }
    }
}
