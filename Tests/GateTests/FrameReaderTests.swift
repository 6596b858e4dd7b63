// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Cutting a stream into frames")
struct FrameReaderTests {
    @Test("Frames that come byte by byte are whole in the end")
    func byteByByte() throws {
        let stream = try Samples.fromWeb.flatMap { try GateEncoder.frame($0) }
        var reader = FrameReader(maximum: GateFraming.maximumFrameFromWeb)
        var messages: [WebMessage] = []
        for byte in stream {
            for frame in try reader.feed([byte]) {
                messages.append(try GateDecoder.webMessage(frame))
            }
        }
        #expect(messages == Samples.fromWeb)
    }

    @Test("Frames that come at once are cut apart", arguments: [1, 2, 3, 7, 100, 10_000])
    func pieces(size: Int) throws {
        let stream = try Samples.fromAgent.flatMap { try GateEncoder.frame($0) }
        var reader = FrameReader(maximum: GateFraming.maximumFrameFromAgent)
        var messages: [AgentMessage] = []
        var rest = stream[...]
        while !rest.isEmpty {
            for frame in try reader.feed([UInt8](rest.prefix(size))) {
                messages.append(try GateDecoder.agentMessage(frame))
            }
            rest = rest.dropFirst(size)
        }
        #expect(messages == Samples.fromAgent)
    }

    @Test("A reader that wipes reads the same", arguments: [1, 2, 3, 7, 100, 10_000])
    func wiping(size: Int) throws {
        let large = WebMessage.log(.info, String(repeating: "x", count: 60_000))
        let sent = [large] + Samples.fromWeb + [large, large]
        let stream = try sent.flatMap { try GateEncoder.frame($0) }
        var reader = FrameReader(maximum: GateFraming.maximumFrameFromWeb, wipes: true)
        var messages: [WebMessage] = []
        var rest = stream[...]
        while !rest.isEmpty {
            for frame in try reader.feed([UInt8](rest.prefix(size))) {
                messages.append(try GateDecoder.webMessage(frame))
            }
            rest = rest.dropFirst(size)
        }
        #expect(messages == sent)
    }

    @Test("Wiping overwrites an array, or its beginning")
    func wipe() {
        var bytes: [UInt8] = [1, 2, 3]
        bytes.wipe(first: 2)
        #expect(bytes == [0, 0, 3])
        bytes.wipe()
        #expect(bytes == [0, 0, 0])
        bytes.wipe(first: 9)
        var none: [UInt8] = []
        none.wipe()
        #expect(none.isEmpty)
    }

    @Test("A frame longer than the maximum is an error as soon as its length is known")
    func tooLong() throws {
        var reader = FrameReader(maximum: 10)
        #expect(try reader.feed([10, 0, 0, 0]).isEmpty)
        reader = FrameReader(maximum: 10)
        #expect(try reader.feed([11, 0, 0]).isEmpty)
        #expect(throws: GateError.frameTooLong(announced: 11, maximum: 10)) { try reader.feed([0]) }
        reader = FrameReader(maximum: 10)
        #expect(throws: GateError.frameTooLong(announced: 0xFFFF_FFFF, maximum: 10)) {
            try reader.feed([1, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF])
        }
    }

    @Test("A frame without a type is an error")
    func empty() {
        var reader = FrameReader(maximum: 10)
        #expect(throws: GateError.emptyFrame) { try reader.feed([0, 0, 0, 0]) }
    }
}
