// SPDX-License-Identifier: Apache-2.0
import Gate
import Testing

@testable import API

@Suite("Answers")
struct AnswerTests {
    let api = API()

    private func status(_ request: GateRequest) -> UInt16 {
        api.answer(request, view()).response.status
    }

    @Test("Every page answers GET and HEAD on the listeners it is for, and is offered to web", arguments: API.pages)
    func pages(page: API.Page) {
        for listener in ListenerKind.allCases {
            let isAllowed = page.listeners.contains(listener)
            for method in ["GET", "HEAD"] {
                let answer = api.answer(request(page.path, method: method, listener: listener), view())
                #expect(answer.response.status == (isAllowed ? 200 : 404))
                #expect((answer.page?.path == page.path) == (isAllowed && page.isPublishable))
            }
        }
    }

    @Test("A query makes a page an answer of its own, not one for web to repeat")
    func queries() {
        #expect(api.answer(request("/status", query: "pretty"), view()).page == nil)
        #expect(api.answer(request("/status", query: ""), view()).page == nil)
        #expect(api.answer(request("/statu%73"), view()).page == nil)
        #expect(status(request("/statu%73")) == 200)
    }

    @Test(
        "What is no page is not found",
        arguments: [
            "/nope", "/status/", "//status", "/metrics%2fresource", "/%2e%2e/status", "/../status", "/STATUS",
            "/healthz/ping", "/checkpoint/a/b/c",
        ])
    func notFound(path: String) {
        #expect(status(request(path)) == 404)
    }

    @Test("A malformed path or query is a bad request", arguments: ["/%00", "/%", "/a%0ab"])
    func badRequest(path: String) {
        #expect(status(request(path)) == 400)
        #expect(status(request("/status", query: "a=%zz")) == 400)
    }

    @Test("Other methods are refused with what is allowed", arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    func methods(method: String) {
        let response = api.answer(request("/node", method: method), view()).response
        #expect(response.status == 405)
        #expect(response.headers.contains(HeaderField("allow", "GET, HEAD")))
        #expect(String(decoding: response.body, as: UTF8.self).contains("\"reason\":\"MethodNotAllowed\""))
    }

    @Test("If-None-Match and Accept-Encoding are honoured for passed requests as web honours them")
    func encodings() throws {
        let plain = api.answer(request("/metrics"), view()).response
        let tag = try #require(plain.headers.first { $0.name == "etag" }?.value)
        let again = api.answer(request("/metrics", headers: [HeaderField("if-none-match", tag)]), view()).response
        #expect(again.status == 304 && again.body.isEmpty)
        let packed = api.answer(request("/metrics", headers: [HeaderField("accept-encoding", "gzip")]), view()).response
        #expect(packed.headers.contains(HeaderField("content-encoding", "gzip")))
        #expect(packed.body.count < plain.body.count / 2)
        #expect(Array(packed.body.prefix(2)) == [0x1f, 0x8b])
    }

    @Test("A failing health check is a 500 that nobody may keep")
    func failingHealth() {
        var view = view()
        view.liveness = [HealthCheck(name: "collector", problem: "stuck")]
        let answer = api.answer(request("/livez", headers: [HeaderField("if-none-match", "*")]), view)
        #expect(answer.response.status == 500)
        #expect(answer.response.headers.contains(HeaderField("cache-control", "no-store")))
        #expect(answer.page?.status == 500)
    }
}

@Suite("Pages that web holds")
struct PageBookTests {
    private func page(_ text: String) -> RenderedPage {
        RenderedPage(
            path: "/x", listeners: [.local], contentType: "text/plain",
            body: Array(String(repeating: text, count: 2_000).utf8))
    }

    @Test("A page that is used is published anew when it changes and confirmed when it does not")
    func used() {
        var book = PageBook()
        #expect(book.publish(page("a"), gzip: false) == [.publish(page("a").published(gzip: false))])
        book.used([PageUse(path: "/x", gzip: false)])
        #expect(book.refresh { _ in page("a") } == [.confirm])
        book.used([PageUse(path: "/x", gzip: false)])
        #expect(book.refresh { _ in page("b") } == [.publish(page("b").published(gzip: false)), .confirm])
    }

    @Test("A page that nobody used is let go, and nothing is rendered for nobody")
    func unused() {
        var book = PageBook()
        _ = book.publish(page("a"), gzip: false)
        #expect(book.refresh { _ in page("b") } == [.expire(paths: ["/x"])])
        #expect(book.isEmpty)
        #expect(
            book.refresh { _ in
                Issue.record("rendered for nobody"); return nil
            } == [])
    }

    @Test("A client that wants gzip gets it from the next refresh on")
    func gzip() {
        var book = PageBook()
        _ = book.publish(page("a"), gzip: false)
        book.used([PageUse(path: "/x", gzip: true)])
        let messages = book.refresh { _ in page("a") }
        guard case .publish(let published) = messages.first, case .body = published.gzip else {
            Issue.record("not published with gzip")
            return
        }
    }

    @Test("A crowd that asks at once is given the page once, and counts as its use")
    func crowd() {
        var book = PageBook()
        #expect(book.publish(page("a"), gzip: false).count == 1)
        #expect(book.publish(page("a"), gzip: false).isEmpty)
        #expect(book.publish(page("a"), gzip: true).count == 1)
        #expect(book.publish(page("b"), gzip: false).count == 1)
        #expect(book.publish(page("b"), gzip: true).isEmpty)
        #expect(book.refresh { _ in page("b") } == [.confirm])
    }

    @Test("A page that exists no more is expired")
    func gone() {
        var book = PageBook()
        _ = book.publish(page("a"), gzip: false)
        book.used([PageUse(path: "/x", gzip: false), PageUse(path: "/made-up", gzip: true)])
        #expect(book.refresh { _ in nil } == [.expire(paths: ["/x"])])
    }
}
