// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Every source's status, by name.
final class SourceLedger {
    private let clock: CollectorClock
    private var statuses: [SourceStatus] = []

    init(_ clock: CollectorClock) { self.clock = clock }

    /// The status of that name, made if there is none.
    func add(_ name: String) -> SourceStatus {
        if let known = statuses.first(where: { $0.report.name == name }) { return known }
        let status = SourceStatus(name, clock)
        let position = statuses.firstIndex { $0.report.name > name } ?? statuses.endIndex
        statuses.insert(status, at: position)
        return status
    }

    func remove(_ name: String) { statuses.removeAll { $0.report.name == name } }

    /// Sorted by name.
    var reports: [SourceReport] { statuses.map(\.report) }
}
