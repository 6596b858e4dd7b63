// SPDX-License-Identifier: Apache-2.0

/// When what is asked of the container runtime: a value without a clock. Each reading is made once at a time, so one that
/// hangs holds nothing but itself.
struct RuntimeSchedule {
    enum Reading: CaseIterable {
        /// Status, now and then with Version: whether the runtime answers, which everything else waits for.
        case status
        case configuration
        case checkpointSupport
        case imageFileSystems
        case images
        /// What containers and pods use, as long as somebody wants to know.
        case usage
        /// The stream of container events: under way for as long as the runtime gives any.
        case events
    }

    /// The kubelet's pace of its sanity check.
    static let statusPace: Duration = .seconds(5)
    /// While there is a stream that would break with the runtime. A kubelet's node status is no fresher than this.
    static let calmStatusPace: Duration = .seconds(10)
    static let slowPace: Duration = .seconds(60)
    /// A runtime does not become another one while the connection holds; not every runtime has a stream that would tell.
    static let versionPace: Duration = .seconds(30)
    /// Asking whether checkpoints work is an error in the runtime's log each time.
    static let checkpointPace: Duration = .seconds(600)
    static let usagePace: Duration = .seconds(10)
    /// For so long after somebody has asked for it, usage is read.
    static let interest: Duration = .seconds(60)
    /// An event may bring a reading forward, but no two closer than this.
    static let leastDistance: Duration = .seconds(10)

    private var underWay: [Reading: Duration] = [:]
    private var lastStart: [Reading: Duration] = [:]
    /// A reading that is not here waits for the runtime to come back.
    private var next: [Reading: Duration] = [.status: .zero]
    private var isAnswering = false
    private var lastVersion: Duration?
    private var interestEnds: Duration = .zero

    /// The readings that are to be made now; each must be reported as ended.
    mutating func start(at now: Duration) -> [Reading] {
        let due = Reading.allCases.filter { isDue($0, at: now) }
        for reading in due {
            underWay[reading] = now
            lastStart[reading] = now
        }
        return due
    }

    private func isDue(_ reading: Reading, at now: Duration) -> Bool {
        guard underWay[reading] == nil, isWanted(reading, at: now), let time = next[reading] else { return false }
        return time <= now
    }

    private func isWanted(_ reading: Reading, at now: Duration) -> Bool {
        switch reading {
        case .status: true
        case .usage: isAnswering && now < interestEnds
        case .configuration, .checkpointSupport, .imageFileSystems, .images, .events: isAnswering
        }
    }

    /// For how long nothing becomes due, unless something happens.
    func rest(at now: Duration) -> Duration {
        let times = Reading.allCases.compactMap { reading -> Duration? in
            // What is under way will have ended by its next time; if not, it is looked at again then.
            if let started = underWay[reading] {
                return reading == .events ? nil : max(started + pace(reading), now + Self.statusPace)
            }
            return isWanted(reading, at: now) ? next[reading] : nil
        }
        return max(.zero, (times.min() ?? now + Self.statusPace) - now)
    }

    /// Whether Version is to be asked with Status this time.
    mutating func startVersion(at now: Duration) -> Bool {
        if isAnswering, let lastVersion, now - lastVersion < Self.versionPace { return false }
        lastVersion = now
        return true
    }

    /// It was not answered: asked again the next time.
    mutating func versionFailed() { lastVersion = nil }

    mutating func ended(_ reading: Reading, at now: Duration) {
        guard let started = underWay.removeValue(forKey: reading) else { return }
        next[reading] = max(now, started + pace(reading))
    }

    /// The stream of events has ended: it is asked for again, or not before the runtime has been away.
    mutating func eventsEnded(at now: Duration, again: Bool) {
        underWay[.events] = nil
        next[.events] = again ? now + Self.leastDistance : nil
    }

    /// The runtime has answered; whatever it said before it was away, or before it was another, is asked for anew.
    mutating func answered(at now: Duration, isAnother: Bool) {
        if !isAnswering || isAnother {
            for reading in Reading.allCases where reading != .status { next[reading] = now }
        }
        isAnswering = true
    }

    mutating func failed() { isAnswering = false }

    /// The runtime has probably ended, and may be there anew already, another one: how it is comes first.
    mutating func connectionLost(at now: Duration) {
        isAnswering = false
        next[.status] = now
    }

    mutating func containersChanged(at now: Duration) {
        guard let time = next[.images] else { return }
        next[.images] = min(time, max(now, (lastStart[.images] ?? now) + Self.leastDistance))
    }

    /// - Returns: whether nobody had wanted it before.
    mutating func usageWanted(at now: Duration) -> Bool {
        defer { interestEnds = now + Self.interest }
        return now >= interestEnds
    }

    private func pace(_ reading: Reading) -> Duration {
        switch reading {
        case .status: isAnswering && underWay[.events] != nil ? Self.calmStatusPace : Self.statusPace
        case .usage: Self.usagePace
        case .checkpointSupport: Self.checkpointPace
        case .configuration, .imageFileSystems, .images, .events: Self.slowPace
        }
    }
}
