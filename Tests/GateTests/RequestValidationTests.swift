// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Requests from a web process in a stranger's hands")
struct RequestValidationTests {
    @Test("An honest request is valid")
    func honest() throws {
        try Samples.request.validate()
        try Samples.requestOverTCP.validate()
        try Samples.requestOverTLS.validate()
    }

    @Test(
        "A method is a short token",
        arguments: ["", "GET ", "G\u{0}T", "GÈT", "G(T", String(repeating: "A", count: 33)])
    func method(method: String) {
        expectInvalid { $0.method = method }
    }

    @Test(
        "A path begins with a slash and is visible ASCII",
        arguments: [
            "", "*", "a", "/a b", "/\u{0}", "/\r\n", "/\u{7f}", "/é", "/a?b",
            "/" + String(repeating: "a", count: 32_768),
        ])
    func path(path: String) {
        expectInvalid { $0.path = path }
    }

    @Test("A query is visible ASCII", arguments: ["a b", "\n", "\u{1b}[0m", "ü"])
    func query(query: String) {
        expectInvalid { $0.query = query }
    }

    @Test("Only known fields pass, once, in lower case, without control bytes")
    func headers() {
        for headers in [
            [HeaderField("cookie", "a")], [HeaderField("Host", "a")], [HeaderField("", "")],
            [HeaderField("host", "a"), HeaderField("host", "b")],
            [HeaderField("host", "a\r\nx: y")], [HeaderField("authorization", "Bearer \u{0}")],
            [HeaderField("accept", String(repeating: "a", count: 32_769))],
            [HeaderField("authorization", String(repeating: "a", count: 8_193))],
        ] {
            expectInvalid { $0.headers = headers }
        }
    }

    @Test("The peer fits the listener and its address is printable")
    func peer() {
        expectInvalid { $0.peer = .tcp(address: "127.0.0.1", port: 1) }
        expectInvalid { $0.listener = .local }
        expectInvalid { $0.listener = .main }
        for address in ["", "a b", "a\n", String(repeating: "1", count: 65)] {
            expectInvalid {
                $0.listener = .local
                $0.peer = .tcp(address: address, port: 1)
            }
        }
    }

    @Test("An authorization of 8 KiB passes")
    func authorization() throws {
        var request = Samples.request
        request.headers = [HeaderField("authorization", String(repeating: "a", count: 8_192))]
        try request.validate()
    }

    @Test("Certificates come over TLS alone, none of them empty, and not too many or too long")
    func certificates() throws {
        expectInvalid { $0.clientCertificates = [[0x30, 0]] }
        expectInvalid {
            $0.listener = .local
            $0.peer = .tcp(address: "127.0.0.1", port: 1)
            $0.clientCertificates = [[0x30, 0]]
        }
        let sizes = [
            [0], [1, 0], [Int](repeating: 1, count: 9), [32_769], [16_384, 16_385], [Int](repeating: 4_097, count: 8),
        ]
        for sizes in sizes {
            var request = Samples.requestOverTLS
            request.clientCertificates = sizes.map { [UInt8](repeating: 0x30, count: $0) }
            #expect(throws: GateError.self) { try request.validate() }
        }
        for sizes in [[32_768], [Int](repeating: 4_096, count: 8), []] {
            var request = Samples.requestOverTLS
            request.clientCertificates = sizes.map { [UInt8](repeating: 0x30, count: $0) }
            try request.validate()
        }
    }

    private func expectInvalid(_ change: (inout GateRequest) -> Void, sourceLocation: SourceLocation = #_sourceLocation)
    {
        var request = Samples.request
        change(&request)
        #expect(throws: GateError.self, sourceLocation: sourceLocation) { try request.validate() }
    }
}
