// SPDX-License-Identifier: Apache-2.0
import Glibc
import KubeTestServer
import Logging
import NIOPosix
import NodeStatus
import Synchronization

@testable import KubeAPI

/// What the recorded answers say the time was.
let someDate = Timestamp(seconds: 1_795_222_213)

func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }

/// A kubeconfig of one context.
///
/// - Parameters:
///   - cluster, user: Further lines, `key: value`.
func kubeconfig(server: String, cluster: [String] = [], user: [String] = []) -> String {
    let clusterLines = (["server: \(server)"] + cluster).map { "      \($0)\n" }.joined()
    let userLines = user.map { "      \($0)\n" }.joined()
    return """
        apiVersion: v1
        kind: Config
        current-context: here
        contexts:
          - name: here
            context:
              cluster: c
              user: u
        clusters:
          - name: c
            cluster:
        \(clusterLines)users:
          - name: u
            user:\(user.isEmpty ? " {}" : "")
        \(userLines)
        """
}

func parse(_ text: String, context: String? = nil) throws(KubeconfigProblem) -> KubeConnection {
    try Kubeconfig.parse(Array(text.utf8), path: "/etc/nodekeep/kubeconfig", context: context)
}

extension KubeClient {
    /// A client of a server on this machine, with the options that tests like.
    static func testing(
        _ connection: KubeConnection, clock: KubeClock = .testing(), logger: Logger = .silent,
        lookUp: @escaping NameResolver.Lookup = { _ in .success(["127.0.0.1"]) },
        _ change: (inout Options) -> Void = { _ in }
    ) throws(KubeconfigProblem) -> KubeClient {
        var options = Options(version: "1.2.3")
        options.timeout = .seconds(20)
        change(&options)
        return try KubeClient(
            connection, options, logger: logger, clock: clock, eventLoops: KubeClient.defaultEventLoops, lookUp: lookUp)
    }

    static func testing(
        port: Int, host: String = "127.0.0.1", authority: String, cluster: [String] = [], user: [String] = [],
        clock: KubeClock = .testing(), _ change: (inout Options) -> Void = { _ in }
    ) throws(KubeconfigProblem) -> KubeClient {
        let text = kubeconfig(
            server: "https://\(host):\(port)",
            cluster: cluster + ["certificate-authority-data: \(base64(authority))"], user: user)
        return try testing(try parse(text), clock: clock, change)
    }
}

extension KubeClock {
    /// Monotonic time is the test's; sleeping is real, the date is fixed.
    static func testing(_ clock: ManualClock = ManualClock(), date: Timestamp = someDate) -> KubeClock {
        KubeClock(now: { clock.now }, date: { date }, sleep: KubeClock.system.sleep)
    }

    /// All of it is the test's.
    static func manual(_ clock: ManualClock) -> KubeClock {
        KubeClock(now: { clock.now }, date: { someDate }, sleep: { try await clock.sleep($0) })
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

/// What went wrong; nil: nothing did.
func failure(_ call: () async throws(KubeError) -> KubeAnswer) async -> KubeError? {
    do throws(KubeError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}

/// A directory for one test.
final class Directory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/nodekeep-kube-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) {
                        _ = unlink("\(path)/" + String(cString: $0))
                    }
                }
            }
            closedir(listing)
        }
        rmdir(path)
    }

    /// As programs do that care: another file takes the place of the old one.
    @discardableResult
    func write(_ name: String, _ text: String) -> String {
        let target = "\(path)/\(name)"
        guard let file = fopen(target + ".new", "w") else { return target }
        fputs(text, file)
        fclose(file)
        rename(target + ".new", target)
        return target
    }
}

/// Counts; for stand-ins that are called from anywhere.
final class Counter: Sendable {
    private let count = Mutex(0)

    @discardableResult
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }

    var value: Int { count.withLock { $0 } }
}
