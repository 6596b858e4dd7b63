// SPDX-License-Identifier: Apache-2.0

/// Who is next: one dump at a time per container, so many per node, first come first served. A plain value.
package struct JobQueue: Sendable {
    package struct Limits: Equatable, Sendable {
        /// Dumps on this node at once.
        package var running = 2
        /// Jobs that wait for one container.
        package var queuedPerContainer = 16
        /// Jobs in all, running ones included.
        package var total = 64

        package init() {}
    }

    package enum Refusal: Equatable, Sendable {
        /// So many wait for this container already.
        case containerFull(Int)
        /// So many are there already.
        case nodeFull(Int)
    }

    private struct Entry: Sendable {
        let id: String
        let container: String
        var isRunning: Bool
    }

    package let limits: Limits
    /// In the order of their arrival.
    private var entries: [Entry] = []

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var running: [String] { entries.filter(\.isRunning).map(\.id) }
    package var waiting: [String] { entries.filter { !$0.isRunning }.map(\.id) }

    /// Whether one more job of this container has a place. Takes none.
    package func refusal(container: String) -> Refusal? {
        guard entries.count < limits.total else { return .nodeFull(entries.count) }
        let queued = entries.count { $0.container == container && !$0.isRunning }
        return queued < limits.queuedPerContainer ? nil : .containerFull(queued)
    }

    /// Puts a job at the end. `id` must be new.
    package mutating func append(_ id: String, container: String) {
        entries.append(Entry(id: id, container: container, isRunning: false))
    }

    /// A job that an earlier agent has started and that still runs: there whatever the limits say.
    package mutating func adopt(_ id: String, container: String) {
        guard !entries.contains(where: { $0.id == id }) else { return }
        entries.append(Entry(id: id, container: container, isRunning: true))
    }

    /// The job that may start now, marked as running; nil: none. Ask again until it is nil.
    package mutating func startNext() -> String? {
        guard entries.count(where: \.isRunning) < limits.running else { return nil }
        let busy = Set(entries.filter(\.isRunning).map(\.container))
        guard let index = entries.firstIndex(where: { !$0.isRunning && !busy.contains($0.container) }) else {
            return nil
        }
        entries[index].isRunning = true
        return entries[index].id
    }

    /// The job has ended, or is not to be started any more.
    package mutating func remove(_ id: String) {
        entries.removeAll { $0.id == id }
    }

    package func isWaiting(_ id: String) -> Bool {
        entries.contains { $0.id == id && !$0.isRunning }
    }

    /// 1 for the first of those that wait; nil when it runs or is not there.
    package func position(of id: String) -> Int? {
        waiting.firstIndex(of: id).map { $0 + 1 }
    }
}
