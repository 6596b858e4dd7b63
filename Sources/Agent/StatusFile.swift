// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import NodeStatus
internal import Posix
internal import Synchronization

/// The node's last status in a file, written whenever it changes: what the node was is there to read after the agent,
/// or the machine, has stopped.
///
/// A disk can hang, so writing has a thread of its own; the collector only leaves the latest value for it.
final class StatusFile: Sendable {
    private let path: String
    private let logger: Logger
    private let wakeup: Wakeup
    private let latest = Mutex<(node: NodeObject?, stop: Bool)>((nil, false))

    init(stateDirectory: String, logger: Logger) throws {
        path = stateDirectory + "/node-status.json"
        self.logger = logger
        wakeup = try Wakeup()
    }

    func start() throws {
        try OwnThread.start(name: "status-file") { self.run() }
    }

    /// Leaves the node for the writer. From any thread, never waits.
    func offer(_ node: NodeObject) {
        let isNew = latest.withLock { latest in
            guard latest.node != node else { return false }
            latest.node = node
            return true
        }
        if isNew { wakeup.signal() }
    }

    func stop() {
        latest.withLock { $0.stop = true }
        wakeup.signal()
    }

    private func run() {
        var written: NodeObject?
        var problem: String?
        while true {
            var descriptor = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
            // A write that failed is tried again: the disk may have room by then.
            _ = poll(&descriptor, 1, problem == nil ? -1 : 60_000)
            wakeup.clear()
            let (node, stop) = latest.withLock { $0 }
            if let node, node != written {
                do {
                    try write(node)
                    written = node
                    if problem != nil { logger.notice("writing \(path) works again") }
                    problem = nil
                } catch {
                    if problem != "\(error)" {
                        logger.error("\(error); the node is served all the same")
                    }
                    problem = "\(error)"
                }
            }
            if stop { return }
        }
    }

    private func write(_ node: NodeObject) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let bytes = Array(try encoder.encode(node)) + [0x0a]
        do {
            try Descriptor.replace(path, with: bytes, mode: 0o644)
        } catch {
            throw AgentError("write", path, code: error.code)
        }
    }
}
