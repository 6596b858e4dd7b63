// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import Glibc

/// The web process's end of the gate: never blocks, and never holds more for the agent than it may.
struct GateLink {
    /// With this much unread by the agent, nothing new is passed to it.
    static let crowded = 1_048_576
    /// With this much, log lines are dropped.
    static let busy = 262_144
    private static let readsPerRound = 64

    enum Ended: Error {
        /// The agent has closed the gate, or died.
        case closed
        /// The agent does not speak our language.
        case garbage(GateError)
    }

    let descriptor: Int32
    private var reader = FrameReader(maximum: GateFraming.maximumFrameFromAgent, wipes: true)
    private var outbox: [UInt8] = []
    private var sent = 0
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    var pending: Int { outbox.count - sent }
    var wantsWrite: Bool { pending > 0 }

    /// Puts a message into the outbox. One that is too long for the gate is dropped: the caller has a bound of its own.
    @discardableResult
    mutating func send(_ message: WebMessage) -> Bool {
        guard let frame = try? GateEncoder.frame(message) else { return false }
        outbox.append(contentsOf: frame)
        return true
    }

    /// Writes what the socket takes.
    mutating func flush() throws(Ended) {
        while sent < outbox.count {
            let count = outbox[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                throw .closed
            }
        }
        if sent == outbox.count {
            outbox.removeAll(keepingCapacity: outbox.capacity <= Self.busy)
            sent = 0
        } else if sent > Self.busy {
            outbox.removeFirst(sent)
            sent = 0
        }
    }

    /// Reads the messages that have arrived.
    ///
    /// - Parameter wait: Block until there is at least one byte: before there is anything else to do.
    mutating func receive(wait: Bool = false) throws(Ended) -> [AgentMessage] {
        var messages: [AgentMessage] = []
        for round in 0..<Self.readsPerRound {
            let flags = wait && round == 0 ? 0 : Int32(MSG_DONTWAIT)
            let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, flags) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                throw .closed
            }
            guard count > 0 else {
                // Whatever came before the end no longer matters: there is nobody to serve for.
                throw .closed
            }
            do throws(GateError) {
                // What a message with a private key came in is not left lying about: whoever takes it wipes its key.
                var piece = [UInt8](chunk.prefix(count))
                chunk.wipe(first: count)
                defer { piece.wipe(first: count) }
                var frames = try reader.feed(piece)
                for index in frames.indices {
                    messages.append(try GateDecoder.agentMessage(frames[index]))
                    frames[index].wipe()
                }
            } catch {
                throw .garbage(error)
            }
            if count < chunk.count { break }
        }
        return messages
    }
}
