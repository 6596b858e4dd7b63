// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import KubeAPI
internal import NodeStatus
internal import Posix

/// One file, read and written on a thread of its own: a disk can hang, and nothing in Swift concurrency may wait for it.
/// One call at a time; while one has not returned, the next ones fail at once.
final class FileAccess: Sendable {
    /// For a caller; the call itself goes on.
    private static let patience: Duration = .seconds(5)
    private static let maximumSize = 1 << 20

    let path: String
    private let clock: KubeClock
    private let call = ExclusiveCall(name: "heartbeat-file")

    init(path: String, clock: KubeClock) {
        self.path = path
        self.clock = clock
    }

    func run<Value: Sendable>(
        _ what: String, _ body: @escaping @Sendable (FileAccess) -> Result<Value, HeartbeatFailure>
    ) async -> Result<Value, HeartbeatFailure> {
        do {
            return try await call.run(within: Self.patience, clock) { body(self) }
        } catch {
            let why =
                switch error {
                case .hangs: "the disk does not answer"
                case .noThread(let reason): "the system gives no thread: \(reason)"
                }
            return .failure(HeartbeatFailure(.disk, "\(what) \(path): \(why)"))
        }
    }

    // The rest runs on that thread.

    /// Nil: there is no file.
    func read() -> Result<[UInt8]?, HeartbeatFailure> {
        do {
            let bytes = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).read(limit: Self.maximumSize + 1)
            guard bytes.count <= Self.maximumSize else {
                return .failure(HeartbeatFailure(.disk, "read \(path): larger than \(Self.maximumSize) bytes"))
            }
            return .success(bytes)
        } catch {
            return error.code == ENOENT ? .success(nil) : .failure(failure("read", error))
        }
    }

    func replace(with bytes: [UInt8]) -> Result<Void, HeartbeatFailure> {
        do {
            return .success(try Descriptor.replace(path, with: bytes, mode: 0o644))
        } catch {
            return .failure(failure("write", error))
        }
    }

    private func failure(_ action: String, _ error: ErrorNumber) -> HeartbeatFailure {
        HeartbeatFailure(.disk, "\(action) \(path): \(error.reason)")
    }
}
