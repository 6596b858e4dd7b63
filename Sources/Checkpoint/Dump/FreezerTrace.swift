// SPDX-License-Identifier: Apache-2.0

/// Adds up looks at a freezer: from the first that is not thawed to the first thawed one of the last run.
///
/// One dump freezes twice: CRIU thaws the cgroup while it holds the processes itself, so that what lies between counts.
struct FreezerTrace: Equatable {
    private var firstFrozen: Duration?
    private var lastThawed: Duration?
    private var isFrozen = false

    init() {}

    mutating func observe(_ state: FreezerState, at time: Duration) {
        switch state {
        case .frozen, .freezing:
            if firstFrozen == nil { firstFrozen = time }
            isFrozen = true
        case .thawed, .gone:
            if isFrozen { lastThawed = time }
            isFrozen = false
        case .unknown: break
        }
    }

    /// - Parameter end: when the last look was; a freezer that is frozen then counts up to it.
    func frozen(until end: Duration) -> Duration? {
        guard let firstFrozen else { return nil }
        return (isFrozen ? end : lastThawed ?? end) - firstFrozen
    }
}
