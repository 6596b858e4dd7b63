// SPDX-License-Identifier: Apache-2.0
package import Logging
internal import Synchronization

/// A log level that every handler reads and a re-read configuration may change, from any thread.
package final class SharedLogLevel: Sendable {
    private let level = Mutex(Logger.Level.info)

    package func get() -> Logger.Level {
        level.withLock { $0 }
    }

    package func set(_ new: Logger.Level) {
        level.withLock { $0 = new }
    }
}
