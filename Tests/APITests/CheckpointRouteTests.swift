// SPDX-License-Identifier: Apache-2.0
import Access
import Gate
import Testing

@testable import API

@Suite("Checkpoint route")
struct CheckpointRouteTests {
    private func enabledView(_ isEnabled: Bool = true) -> AgentView {
        var view = view()
        view.checkpoints.directory = isEnabled ? "/var/lib/kubelet/checkpoints" : nil
        return view
    }

    private func routed(
        _ path: String, query: String? = nil, method: String = "POST", listener: ListenerKind = .socket,
        isEnabled: Bool = true
    ) -> Routed {
        API().route(
            request(path, query: query, method: method, listener: listener), listener == .local ? nil : .localRoot,
            allowedBy: "root on this node", enabledView(isEnabled))
    }

    private func response(_ routed: Routed) -> GateResponse? {
        if case .answer(let answer) = routed { answer.response } else { nil }
    }

    private func call(_ routed: Routed) -> CheckpointCall? {
        if case .checkpoint(let call) = routed { call } else { nil }
    }

    private func text(_ response: GateResponse?) -> String? {
        response.map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test("A well-formed call passes with what it says")
    func passes() throws {
        let made = try #require(call(routed("/checkpoint/shop/web-0/app", query: "timeout=5&request=nightly.1")))
        #expect(made.subject == "shop/web-0/app")
        #expect(made.timeout == .seconds(5))
        #expect(made.name == "nightly.1")
        #expect(!made.isDryRun)
        #expect(call(routed("/checkpoint/shop/web.v2/app", query: "dryRun=All"))?.isDryRun == true)
        #expect(call(routed("/checkpoint/%73hop/web/app"))?.namespace == "shop")
    }

    @Test("It is on the main listener as well, and not where nobody is asked who he is")
    func listeners() {
        #expect(call(routed("/checkpoint/a/b/c", listener: .main))?.identity == .localRoot)
        #expect(call(routed("/checkpoint/a/b/c", listener: .local)) == nil)
    }

    @Test("On the local listener it is not there", arguments: ["POST", "GET"])
    func notLocal(method: String) {
        let response = response(routed("/checkpoint/a/b/c", method: method, listener: .local))
        #expect(response?.status == (method == "GET" ? 404 : 404))
    }

    @Test("Switched off it is not there, as in a kubelet")
    func featureOff() {
        let response = response(routed("/checkpoint/a/b/c", isEnabled: false))
        #expect(response?.status == 404)
        #expect(text(response) == "404 page not found\n")
    }

    @Test(
        "The wrong number of segments is no route",
        arguments: [
            "/checkpoint/", "/checkpoint/a", "/checkpoint/a/b", "/checkpoint/a/b/", "/checkpoint//b/c",
            "/checkpoint/a/b/c/", "/checkpoint/a/b/c/d", "/checkpoint/a%2fb/c",
        ])
    func segments(path: String) {
        #expect(response(routed(path))?.status == 404)
        #expect(text(response(routed(path))) == "404: Page Not Found")
    }

    @Test("Other methods are told which one there is", arguments: ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
    func methods(method: String) {
        let response = response(routed("/checkpoint/a/b/c", method: method))
        #expect(response?.status == 405)
        #expect(response?.headers.contains(HeaderField("allow", "POST")) == true)
        #expect(text(response) == "405: Method Not Allowed")
    }

    @Test(
        "Names that no Kubernetes object has are the caller's mistake",
        arguments: [
            "/checkpoint/../b/c", "/checkpoint/a/../c", "/checkpoint/a/b/..", "/checkpoint/a/b%2f..%2fetc/c",
            "/checkpoint/A/b/c", "/checkpoint/a/B/c", "/checkpoint/a/b/C", "/checkpoint/a.b/b/c", "/checkpoint/a/b/c.d",
            "/checkpoint/a/b/c_d", "/checkpoint/a/-b/c", "/checkpoint/a/b%00/c", "/checkpoint/a/b/%zz",
            "/checkpoint/a/b/%ff",
            "/checkpoint/a/b/" + String(repeating: "c", count: 64),
            "/checkpoint/a/" + String(repeating: "b", count: 300) + "/c",
            "/checkpoint/" + String(repeating: "a", count: 64) + "/b/c",
        ])
    func names(path: String) {
        let response = response(routed(path))
        #expect(response?.status == 400)
        #expect(response?.headers.contains(HeaderField("content-type", "text/plain; charset=utf-8")) == true)
    }

    @Test("The last timeout counts; none and 0 are the default")
    func timeouts() {
        for query in [nil, "timeout=0", "timeout=x&timeout=0", ""] {
            let made = call(routed("/checkpoint/a/b/c", query: query))
            #expect(made != nil)
            #expect(made?.timeout == nil)
        }
        #expect(call(routed("/checkpoint/a/b/c", query: "timeout=x&timeout=7"))?.timeout == .seconds(7))
        #expect(
            call(routed("/checkpoint/a/b/c", query: "timeout=9223372036854775807"))?.timeout
                == CheckpointRoute.longestTimeout)
    }

    @Test(
        "What is no number of seconds is refused",
        arguments: ["", "abc", "1.5", "0x5", "9223372036854775808", "1e3", "%20"])
    func badTimeouts(value: String) {
        let response = response(routed("/checkpoint/a/b/c", query: "timeout=\(value)"))
        #expect(response?.status == 400)
        #expect(text(response) == "cannot parse value of timeout parameter")
    }

    @Test(
        "So are negative ones, other dry runs and strange names",
        arguments: [
            "timeout=-5", "dryRun=true", "dryRun=", "request=", "request=a%20b", "request=a/b",
            "request=" + String(repeating: "x", count: 65),
        ])
    func badQueries(query: String) {
        #expect(response(routed("/checkpoint/a/b/c", query: query))?.status == 400)
    }
}

@Suite("Checkpoint answers")
struct CheckpointAnswerTests {
    private let call = CheckpointCall(
        namespace: "a", pod: "b", container: "c", timeout: nil, isDryRun: false, name: nil,
        peer: .unix(processID: 1, userID: 0, groupID: 0), userAgent: nil, identity: .localRoot,
        allowedBy: "root on this node")

    private func text(_ answer: CheckpointAnswer) -> String {
        String(decoding: answer.response(id: 7).body, as: UTF8.self)
    }

    @Test("Success is the kubelet's JSON, with the path escaped where that one does not")
    func published() {
        let answer = CheckpointAnswer.published(path: "/x/checkpoint-\"b\\.tar", job: "j")
        #expect(text(answer) == #"{"items":["/x/checkpoint-\"b\\.tar"]}"#)
        let response = answer.response(id: 7)
        #expect(response.id == 7)
        #expect(response.status == 200)
        #expect(response.headers.contains(HeaderField("content-type", "application/json")))
        #expect(response.headers.contains(HeaderField("nodekeep-job", "j")))
    }

    @Test("Failures have the kubelet's frame")
    func failed() {
        #expect(
            text(.failed(call, status: 500, "rpc error: code = Unknown desc = no"))
                == "checkpointing of a/b/c failed (rpc error: code = Unknown desc = no)")
        let later = CheckpointAnswer.later(call, seconds: 10, "busy")
        #expect(later.status == 503)
        #expect(later.headers == [HeaderField("retry-after", "10")])
        #expect(text(.noPod) == "pod does not exist")
        #expect(text(.noContainer("c")) == "container c does not exist")
    }
}
