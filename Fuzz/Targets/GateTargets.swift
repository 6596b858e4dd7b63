// SPDX-License-Identifier: Apache-2.0
import Gate

extension FuzzTarget {
    /// Messages of the web process. The first byte says how the stream arrives: see ``checkStream``.
    static let gateFromWeb = FuzzTarget(name: "gate-from-web", maximumLength: 4_096) { bytes in
        checkStream(bytes, maximum: GateFraming.maximumFrameFromWeb) { frame in
            guard let message = try? GateDecoder.webMessage(frame) else { return }
            checkAgain(frame, Result { () throws(GateError) in try GateEncoder.frame(message) })
            check((try? GateDecoder.webMessage(frame)) == message, "a frame means one thing")
            if case .request(let request) = message { checkRequest(request) }
        }
    }

    /// Messages of the agent.
    static let gateFromAgent = FuzzTarget(name: "gate-from-agent", maximumLength: 4_096) { bytes in
        checkStream(bytes, maximum: GateFraming.maximumFrameFromAgent) { frame in
            guard let message = try? GateDecoder.agentMessage(frame) else { return }
            checkAgain(frame, Result { () throws(GateError) in try GateEncoder.frame(message) })
            check((try? GateDecoder.agentMessage(frame)) == message, "a frame means one thing")
            guard case .serverIdentity(let identity) = message else { return }
            do throws(GateError) { try identity.validate() } catch { checkLine(error.description) }
        }
    }
}

/// What was decoded is encoded to the very same bytes: nothing is lost, and nothing can be said in two ways.
private func checkAgain(_ frame: [UInt8], _ encoded: Result<[UInt8], GateError>) {
    guard case .success(let encoded) = encoded else { return check(false, "what was taken can be sent") }
    check(encoded.dropFirst(4).elementsEqual(frame), "encoded again it is the same")
    let length = encoded.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    check(length == frame.count, "its length is in front of it")
}

/// Cuts a stream into frames, in one piece and in many.
///
/// The first byte is the size of the pieces; from 128 on the rest is one frame without its length, which spares the
/// fuzzer to find out about lengths.
private func checkStream(_ bytes: [UInt8], maximum: Int, _ body: ([UInt8]) -> Void) {
    guard let first = bytes.first else { return }
    let stream = Array(bytes.dropFirst())
    guard first < 128 else { return body(stream) }

    var reader = FrameReader(maximum: maximum)
    let whole = Result { () throws(GateError) in try reader.feed(stream) }
    for wipes in [false, true] {
        var reader = FrameReader(maximum: maximum, wipes: wipes)
        var frames: [[UInt8]] = []
        var failure: GateError?
        var rest = stream[...]
        while !rest.isEmpty, failure == nil {
            let piece = Array(rest.prefix(Int(first) + 1))
            rest = rest.dropFirst(piece.count)
            do throws(GateError) { frames += try reader.feed(piece) } catch { failure = error }
        }
        switch whole {
        case .success(let expected): check(failure == nil && frames == expected, "pieces are the same frames")
        case .failure(let error): check(failure == error, "pieces are the same error")
        }
    }
    guard case .success(let frames) = whole else { return }
    check(frames.reduce(0) { $0 + $1.count + 4 } <= stream.count, "frames are made of the stream")
    for frame in frames {
        check(!frame.isEmpty && frame.count <= maximum, "a frame is within its limits")
        body(frame)
    }
}
