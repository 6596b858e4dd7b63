// SPDX-License-Identifier: Apache-2.0

internal import Gate

/// The pages that web answers from memory, and how often it did.
struct PageStore {
    /// What has been served under one path. It outlives the page: counters never go back.
    fileprivate final class Slot {
        let path: String
        let pathBytes: [UInt8]
        var page: Page?
        var counts: [ServedCount] = []

        init(path: String) {
            self.path = path
            self.pathBytes = [UInt8](path.utf8)
        }
    }

    /// A page that may be served now, and which of its responses.
    struct Hit {
        var page: Page
        var response: Response
        fileprivate var slot: Slot
    }

    private let lifetime: Milliseconds
    private var slots: [Slot] = []
    private var uses: [PageUse] = []

    init(lifetime: Milliseconds) {
        self.lifetime = lifetime
    }

    /// - Returns: False when the page cannot be served as it is.
    mutating func publish(_ published: PublishedPage, now: Milliseconds) -> Bool {
        let slot: Slot
        if let known = slots.first(where: { $0.path == published.path }) {
            slot = known
        } else {
            slot = Slot(path: published.path)
            slots.append(slot)
        }
        slot.page = Page(published, freshUntil: now &+ lifetime)
        return slot.page != nil
    }

    /// Extends the life of every page, and reports its next use again: the agent goes on rendering what is used.
    func confirm(now: Milliseconds) {
        for slot in slots {
            slot.page?.freshUntil = now &+ lifetime
            slot.page?.isUsed = false
            slot.page?.isUsedCompressed = false
        }
    }

    func expire(_ paths: [String]) {
        for slot in slots where paths.contains(slot.path) {
            slot.page = nil
        }
    }

    /// The page for a GET or HEAD of exactly this path, unless the agent has to be asked.
    mutating func find(_ target: [UInt8], on listener: ListenerKind, gzip: Bool, now: Milliseconds) -> Hit? {
        guard let slot = slots.first(where: { $0.pathBytes == target }), let page = slot.page, now < page.freshUntil,
            page.isFor(listener)
        else { return nil }
        let response: Response
        switch page.compressed {
        case .absent where gzip: return nil
        case .response(let compressed) where gzip: response = compressed
        default: response = page.identity
        }
        if !page.isUsed || (gzip && !page.isUsedCompressed) {
            page.isUsed = true
            page.isUsedCompressed = page.isUsedCompressed || gzip
            uses.append(PageUse(path: slot.path, gzip: gzip))
        }
        return Hit(page: page, response: response, slot: slot)
    }

    func count(_ hit: Hit, on listener: ListenerKind, status: UInt16) {
        let slot = hit.slot
        if let index = slot.counts.firstIndex(where: { $0.listener == listener && $0.status == status }) {
            slot.counts[index].count &+= 1
        } else {
            slot.counts.append(ServedCount(path: slot.path, listener: listener, status: status, count: 1))
        }
    }

    var counts: [ServedCount] { slots.flatMap(\.counts) }

    /// The first uses since the last call.
    mutating func takeUses() -> [PageUse] {
        guard !uses.isEmpty else { return [] }
        defer { uses = [] }
        return uses
    }
}
