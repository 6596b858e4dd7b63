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
