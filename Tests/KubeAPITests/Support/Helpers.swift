// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Synchronization

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.message)") }
        }
    }
}

/// Threads stop here until it is opened.
final class Gate: Sendable {
    private let descriptors: (reading: Int32, writing: Int32)

    init() {
        var pair: [Int32] = [-1, -1]
        pipe(&pair)
        descriptors = (pair[0], pair[1])
    }

    deinit {
        close(descriptors.reading)
        close(descriptors.writing)
    }

    func wait() {
        var byte: UInt8 = 0
        while read(descriptors.reading, &byte, 1) < 0, errno == EINTR {}
    }

    /// Lets one thread through.
    func open() {
        var byte: UInt8 = 1
        _ = write(descriptors.writing, &byte, 1)
    }
}
