// SPDX-License-Identifier: Apache-2.0
package import Access
package import Gate

/// Turns requests into answers: every one is made of the request and the view of the moment.
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
        Page(path: ResourceMetricsPage.path, listeners: ListenerKind.allCases, render: ResourceMetricsPage.render),
        Page(path: OpenAPIPage.path, listeners: ListenerKind.allCases, render: OpenAPIPage.render),
        // What the operator has configured is not for everybody on the node.
        Page(path: "/configz", listeners: [.socket, .main], render: JSONPages.configz),
        Page(
            path: "/checkpoints/jobs", listeners: [.socket, .main], isPublishable: false,
            render: JSONPages.checkpointJobs),
    ]

    /// One page: where it is, on which listeners, and how it is made.
    struct Page: Sendable {
        let path: String
        let listeners: [ListenerKind]
        /// Whether web may hold it. What moves while a job runs is asked for each time.
        var isPublishable = true
        let render: @Sendable (PageRequest, AgentView) -> RenderedPage
    }

    private let rendered: @Sendable (_ path: String) -> Void

    /// - Parameter rendered: told of each page that is made, from the thread on which that happens: somebody wants it.
    package init(rendered: @escaping @Sendable (_ path: String) -> Void = { _ in }) {
        self.rendered = rendered
    }

    /// Where the use of containers and pods is shown.
    package static var resourceMetrics: String { ResourceMetricsPage.path }

    /// The page at `path` as it is now, as a request without a query gets it.
    package func page(_ path: String, _ view: AgentView) -> RenderedPage? {
        guard let page = Self.pages.first(where: { $0.path == path }) else { return nil }
        rendered(path)
        return page.render(PageRequest(page: page), view)
    }

    /// What to do about a request that web has passed on. The request has been validated.
    ///
    /// - Parameters:
    ///   - identity: who asks and may do so; nil on the local listener, which asks nobody.
    ///   - allowedBy: what allows it, for the records.
    package func route(
        _ request: GateRequest, _ identity: Identity?, allowedBy: String, _ view: AgentView
    ) -> Routed {
        // Where nobody is asked who he is, there are no checkpoints.
        guard let identity, request.listener != .local, request.path.hasPrefix(CheckpointRoute.prefix) else {
            return .answer(answer(request, view))
        }
        let isEnabled = view.checkpoints.directory != nil
        switch CheckpointRoute.route(request, identity, allowedBy: allowedBy, isEnabled: isEnabled) {
        case .success(let call): return .checkpoint(call)
        case .failure(let answer): return .answer(Answer(response: answer.response(id: request.id)))
        }
    }

    /// Answers a request with what there is to show.
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
        rendered(page.path)
        let made = page.render(PageRequest(page: page, target: target), view)
        let isPublishable = page.isPublishable && request.query == nil && request.path == page.path
        return Answer(response: made.answer(to: request), page: isPublishable ? made : nil)
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
