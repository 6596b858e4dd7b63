// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Messages through the gate")
struct CodecTests {
    private let agentPayloads: [[UInt8]]
    private let webPayloads: [[UInt8]]

    init() throws {
        agentPayloads = try Samples.fromAgent.map { [UInt8](try GateEncoder.frame($0).dropFirst(4)) }
        webPayloads = try Samples.fromWeb.map { [UInt8](try GateEncoder.frame($0).dropFirst(4)) }
    }

    @Test("Every message of the agent arrives as it was sent")
    func agentRoundTrip() throws {
        for (message, payload) in zip(Samples.fromAgent, agentPayloads) {
            #expect(try GateDecoder.agentMessage(payload) == message)
        }
    }

    @Test("Every message of the web process arrives as it was sent")
    func webRoundTrip() throws {
        for (message, payload) in zip(Samples.fromWeb, webPayloads) {
            #expect(try GateDecoder.webMessage(payload) == message)
        }
    }

    @Test("A frame begins with the little-endian length of what follows")
    func length() throws {
        #expect(try GateEncoder.frame(AgentMessage.ping(1)) == [9, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("A message cut at any byte is an error")
    func truncation() {
        for payload in agentPayloads {
            for count in 0..<payload.count {
                #expect(throws: GateError.self) { try GateDecoder.agentMessage([UInt8](payload.prefix(count))) }
            }
        }
        for payload in webPayloads {
            for count in 0..<payload.count {
                #expect(throws: GateError.self) { try GateDecoder.webMessage([UInt8](payload.prefix(count))) }
            }
        }
    }

    @Test("A byte after the last field is an error")
    func trailing() {
        for payload in agentPayloads {
            #expect(throws: GateError.trailingBytes(1)) { try GateDecoder.agentMessage(payload + [0]) }
        }
        for payload in webPayloads {
            #expect(throws: GateError.trailingBytes(1)) { try GateDecoder.webMessage(payload + [0]) }
        }
    }

    @Test("Any byte may be anything: the outcome is a message or an error")
    func flipped() {
        for payload in agentPayloads + webPayloads {
            for index in payload.indices {
                for value: UInt8 in [0, 1, 2, 0x7F, 0x80, 0xFF, payload[index] ^ 1, payload[index] ^ 0x80] {
                    var bytes = payload
                    bytes[index] = value
                    if let message = try? GateDecoder.agentMessage(bytes) {
                        _ = try? GateEncoder.frame(message)
                    }
                    if case .request(let request)? = try? GateDecoder.webMessage(bytes) {
                        try? request.validate()
                    }
                }
            }
        }
    }

    @Test("Random bytes are a message or an error")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if !bytes.isEmpty {
                bytes[0] = Bool.random(using: &generator) ? UInt8.random(in: 1...10) : UInt8.random(in: 65...70)
            }
            _ = try? GateDecoder.agentMessage(bytes)
            _ = try? GateDecoder.webMessage(bytes)
        }
    }

    @Test("A count or a length beyond the frame allocates nothing")
    func hugeCounts() {
        #expect(throws: GateError.truncated(field: "paths")) {
            try GateDecoder.agentMessage([4, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
        }
        #expect(throws: GateError.truncated(field: "pages")) {
            try GateDecoder.webMessage([68, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0])
        }
        #expect(throws: GateError.truncated(field: "certificates")) {
            try GateDecoder.agentMessage([9, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0])
        }
        #expect(throws: GateError.truncated(field: "private key")) {
            try GateDecoder.agentMessage([9, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0])
        }
        #expect(throws: GateError.truncated(field: "line")) {
            try GateDecoder.webMessage([70, 1, 0xFF, 0xFF, 0xFF, 0xFF, 65])
        }
    }

    @Test("Text that is not UTF-8 is an error")
    func badText() {
        #expect(throws: GateError.notText(field: "line")) {
            try GateDecoder.webMessage([70, 1, 2, 0, 0, 0, 0xC3, 0x28])
        }
    }

    @Test("Values that a field does not have are errors")
    func badValues() {
        #expect(throws: GateError.badValue(field: "level", value: 9)) {
            try GateDecoder.webMessage([70, 9, 0, 0, 0, 0])
        }
        #expect(throws: GateError.badValue(field: "gzip", value: 2)) {
            try GateDecoder.webMessage([68, 1, 0, 0, 0, 0, 0, 0, 0, 2])
        }
        #expect(throws: GateError.badValue(field: "requests client certificate", value: 2)) {
            try GateDecoder.agentMessage([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
        }
        #expect(throws: GateError.unknownType(0)) { try GateDecoder.agentMessage([0]) }
        #expect(throws: GateError.unknownType(65)) { try GateDecoder.agentMessage([65, 0, 0, 0, 0]) }
        #expect(throws: GateError.unknownType(3)) { try GateDecoder.webMessage([3]) }
        #expect(throws: GateError.emptyFrame) { try GateDecoder.webMessage([]) }
    }

    @Test("A message that its receiver would not take is not sent")
    func tooLong() {
        #expect(throws: GateError.frameTooLong(announced: 70_006, maximum: 65_536)) {
            try GateEncoder.frame(WebMessage.log(.info, String(repeating: "x", count: 70_000)))
        }
    }
}
