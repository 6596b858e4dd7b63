// SPDX-License-Identifier: Apache-2.0
import Access
import Gate
import NodeStatus

@testable import API
@testable import Web

extension FuzzTarget {
    /// `METHOD PATH[?QUERY]`, as web passes it on.
    static let path = FuzzTarget(name: "path", maximumLength: 1_024) { bytes in
        let words = bytes.split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let method = String(validating: words[0], as: UTF8.self) else { return }
        let parts = words[1].split(separator: 0x3f, maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = String(validating: parts[0], as: UTF8.self) else { return }
        var query: String?
        if parts.count == 2 {
            guard let text = String(validating: parts[1], as: UTF8.self) else { return }
            query = text
        }
        checkRequest(
            GateRequest(
                id: 1, listener: .main, peer: .tcp(address: "192.0.2.1", port: 4_711), method: method, path: path,
                query: query, headers: []))
    }

    /// `Host`, `If-None-Match` and `Accept-Encoding`, a line each.
    static let requestFields = FuzzTarget(name: "request-fields", maximumLength: 512) { bytes in
        let lines = bytes.split(separator: 0x0a, maxSplits: 2, omittingEmptySubsequences: false)
        checkHost(lines[0])
        guard lines.count > 1 else { return }
        let tags = ["\"a1\"", "\"a1-gzip\""].map { Array($0.utf8) }
        let isMatch = Array(lines[1]).withUnsafeBufferPointer { EntityTags.match($0, tags) }
        check(!isMatch || lines[1].contains(tags[0].dropLast()) || lines[1].contains(0x2a), "a tag that is not there")
        guard lines.count > 2, let text = String(validating: lines[2], as: UTF8.self) else { return }
        let prefersGzip = AcceptEncoding(text).prefersGzip
        let small = lines[2].map(lowered)
        check(!prefersGzip || small.contains("gzip".utf8) || small.contains(0x2a), "gzip was not asked for")
    }

    private static func checkHost(_ value: ArraySlice<UInt8>) {
        let allowed = ["localhost", "127.0.0.1", "::1"].map { Array($0.utf8) }
        guard isAllowed(host: value, among: allowed) else { return }
        // Said once more in another way: without blanks, brackets and port it is one of the names.
        var text = String(decoding: value, as: UTF8.self).lowercased()[...]
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        let names = ["localhost", "127.0.0.1", "[::1]", "[localhost]", "[127.0.0.1]"]
        let name = names.first { text.hasPrefix($0) }
        guard let name else { return check(false, "the host \(text.debugDescription) is not one of ours") }
        let rest = text.dropFirst(name.count)
        check(
            rest.isEmpty || rest.first == ":" && rest.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) },
            "more than a port behind the host \(text.debugDescription)")
    }
}

private let somebody = Identity(name: "somebody", method: .x509)

private let view: AgentView = {
    let time = Timestamp(seconds: 1_795_000_000)
    let snapshot = NodeSnapshot(time: time)
    let settings = NodeSettings()
    return AgentView(
        snapshot: snapshot, settings: settings,
        node: NodeObject.build(snapshot: snapshot, settings: settings, conditions: []), signals: [], liveness: [],
        readiness: [],
        agent: AgentFacts(
            version: "1", startTime: time, listeners: [], processes: [], webStarts: 1, notice: nil),
        web: WebCounters(), configuration: Array("{}".utf8))
}()

/// A request from web, which may be in a stranger's hands.
func checkRequest(_ request: GateRequest) {
    do throws(GateError) {
        try request.validate()
    } catch {
        return checkLine(error.description)
    }
    let attributes = AccessRoute.attributes(request)
    check(!attributes.subresources.isEmpty, "every request asks for something")
    check(attributes.path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "no control byte in a path")
    // A policy goes by this name, and an API server by the subresource: it must be one request to both.
    let first = String(Substring(attributes.path.utf8.dropFirst().prefix { $0 != 0x2f }))
    check(
        attributes.endpoint == (first == "checkpoints" ? first : attributes.subresources[0]),
        "\(request.path) is judged as \(attributes.endpoint)")

    switch CheckpointRoute.route(request, somebody, allowedBy: "a rule", isEnabled: true) {
    case .success(let call):
        // API looks at the path as it was sent before it comes here.
        guard request.path.hasPrefix(CheckpointRoute.prefix) else { break }
        for name in [call.namespace, call.pod, call.container] { checkName(name) }
        check(!call.namespace.contains("."), "a namespace is one label")
        check(!call.container.contains("."), "a container's name is one label")
        check(
            attributes.checkpoint
                == CheckpointTarget(namespace: call.namespace, pod: call.pod, container: call.container),
            "what was allowed is what is done: \(attributes)")
        check(attributes.verb == "create" && attributes.subresources == ["checkpoint"], "it is asked for as such")
        check(AccessRoute.isAudited(attributes), "it leaves a record")
        check(call.timeout.map { $0 > .zero && $0 <= CheckpointRoute.longestTimeout } ?? true, "a timeout is bounded")
        check(call.name.map(CheckpointRoute.isRequestName) ?? true, "a request's name")
    case .failure(let answer):
        let response = answer.response(id: request.id)
        check((400..<600).contains(response.status), "a refusal is one: \(response.status)")
        check(response.body.count <= 65_536, "a refusal is short")
    }

    let answer = API().answer(request, view)
    guard answer.response.status == 200 else { return }
    // A page is answered only under the name by which it was asked for.
    let page = API.pages.first { $0.path == attributes.path }
    guard let page else { return check(false, "\(attributes.path) is no page, and was answered") }
    let plain = AccessRoute.attributes(
        GateRequest(
            id: 1, listener: request.listener, peer: request.peer, method: "GET", path: page.path, query: nil,
            headers: []))
    check(plain.subresources == attributes.subresources, "\(request.path) asks for what \(page.path) asks for")
}
