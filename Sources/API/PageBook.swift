// SPDX-License-Identifier: Apache-2.0
package import Gate

/// What web holds: which pages the agent has published, and whether they are still asked for.
///
/// A page is published when somebody asks for it. From then on it is rendered again when the truth changes, as long as
/// it was used since the last time; a page that nobody used is expired instead, and the next request for it is passed
/// on. So a node that nobody looks at renders nothing, and one that is looked at all the time renders once a second.
package struct PageBook {
    private struct Held {
        var page: PublishedPage
        var isUsed: Bool
        var wantsGzip: Bool

        func shows(_ now: RenderedPage) -> Bool {
            page.entityTag == now.entityTag && page.status == now.status
        }
    }

    private var held: [String: Held] = [:]

    package init() {}

    package var isEmpty: Bool { held.isEmpty }

    /// Web says that these pages were used since they were published or confirmed.
    package mutating func used(_ uses: [PageUse]) {
        for use in uses {
            held[use.path]?.isUsed = true
            if use.gzip { held[use.path]?.wantsGzip = true }
        }
    }

    /// A request for `page` was passed on and answered: web may answer the next one.
    package mutating func publish(_ page: RenderedPage, gzip: Bool) -> [AgentMessage] {
        let wantsGzip = gzip || held[page.path]?.wantsGzip == true
        // A crowd of clients may ask at once for a page that web is just being given: once is enough.
        if let entry = held[page.path], entry.shows(page), entry.wantsGzip == wantsGzip {
            held[page.path]?.isUsed = true
            return []
        }
        let published = page.published(gzip: wantsGzip)
        held[page.path] = Held(page: published, isUsed: false, wantsGzip: wantsGzip)
        return [.publish(published)]
    }

    /// The truth may have changed: brings every page that is still used up to date and lets go of the others.
    ///
    /// - Parameter render: the page as it is now, nil when there is no such page any more.
    package mutating func refresh(_ render: (String) -> RenderedPage?) -> [AgentMessage] {
        guard !held.isEmpty else { return [] }
        var messages: [AgentMessage] = []
        var expired: [String] = []
        for (path, entry) in held.sorted(by: { $0.key < $1.key }) {
            guard entry.isUsed, let page = render(path) else {
                held[path] = nil
                expired.append(path)
                continue
            }
            held[path]?.isUsed = false
            if !entry.shows(page) || (entry.wantsGzip && entry.page.gzip == .absent) {
                let published = page.published(gzip: entry.wantsGzip)
                held[path]?.page = published
                messages.append(.publish(published))
            }
        }
        if !expired.isEmpty { messages.append(.expire(paths: expired)) }
        if !held.isEmpty { messages.append(.confirm) }
        return messages
    }
}
