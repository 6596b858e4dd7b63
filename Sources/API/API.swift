// SPDX-License-Identifier: Apache-2.0
package import Gate

/// Turns requests into answers. Stateless: every answer is made of the request and the view of the moment.
package struct API: Sendable {
    /// The answer to one request, and the page that web may hold from now on.
    package struct Answer: Equatable, Sendable {
        package var response: GateResponse
        package var page: RenderedPage?
    }

    /// The pages, in the order in which the status page's foot lists them.
    static let pages: [Page] = [
        Page(path: "/", listeners: ListenerKind.allCases, render: StatusPage.render),
        Page(path: "/status", listeners: ListenerKind.allCases, render: JSONPages.status),
        Page(path: "/node", listeners: ListenerKind.allCases, render: JSONPages.node),
        Page(path: "/healthz", listeners: ListenerKind.allCases, render: HealthPages.healthz),
        Page(path: "/livez", listeners: ListenerKind.allCases, render: HealthPages.livez),
        Page(path: "/readyz", listeners: ListenerKind.allCases, render: HealthPages.readyz),
        Page(path: "/metrics", listeners: ListenerKind.allCases, render: MetricsPage.render),
        Page(path: "/metrics/resource", listeners: ListenerKind.allCases, render: ResourceMetricsPage.render),
        // What the operator has configured is for who may be root here.
        Page(path: "/configz", listeners: [.socket], render: JSONPages.configz),
    ]

    /// One page: where it is, on which listeners, and how it is made.
    struct Page: Sendable {
        let path: String
        let listeners: [ListenerKind]
        let render: @Sendable (PageRequest, AgentView) -> RenderedPage
    }

    package init() {}

    /// The page at `path` as it is now, as a request without a query gets it.
    package func page(_ path: String, _ view: AgentView) -> RenderedPage? {
        Self.pages.first { $0.path == path }.map { $0.render(PageRequest(page: $0), view) }
    }

    /// Answers a request that web has passed on. The request has been validated.
    package func answer(_ request: GateRequest, _ view: AgentView) -> Answer {
        guard let target = RequestTarget(path: request.path, query: request.query) else {
            return Answer(
                response: StatusAnswer.badRequest("the path or query holds a malformed escape or a control byte")
                    .response(to: request))
        }
        let path = "/" + target.segments.joined(separator: "/")
        // An encoded slash makes a segment that no page has, whatever it looks like when joined.
        let isPlain = !target.segments.contains { $0.contains("/") }
        guard isPlain,
            let page = Self.pages.first(where: { $0.path == path && $0.listeners.contains(request.listener) })
        else {
            return Answer(response: StatusAnswer.notFound.response(to: request))
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            return Answer(response: StatusAnswer.methodNotAllowed(request.method).response(to: request))
        }
        let rendered = page.render(PageRequest(page: page, target: target), view)
        let isPublishable = request.query == nil && request.path == page.path
        return Answer(response: rendered.answer(to: request), page: isPublishable ? rendered : nil)
    }

    /// The answer in place of one that does not fit through the gate.
    package static func tooLarge(_ request: GateRequest) -> GateResponse {
        StatusAnswer(code: 500, reason: "InternalError", message: "the answer is too large").response(to: request)
    }
}

/// What a page may want to know of the request.
struct PageRequest {
    var page: API.Page
    var target: RequestTarget?

    init(page: API.Page, target: RequestTarget? = nil) {
        self.page = page
        self.target = target
    }

    /// `?name`, `?name=1` or `?name=true`.
    func flag(_ name: String) -> Bool {
        guard let value = target?.values(of: name).last else { return false }
        return value != "false" && value != "0"
    }
}
