// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import Logging
internal import Synchronization

/// A client of the API server whose kubeconfig is not there yet, or names a certificate that is not: it is read when
/// somebody asks, until it can be used. Who asks before that is told why there is no answer.
final class LateKubeClient: KubeCalling {
    private let path: String
    private let logger: Logger
    private let client = Mutex<KubeClient?>(nil)
    private let disk = ExclusiveCall(name: "kubeconfig")

    init(_ path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    func send(_ request: KubeRequest) async throws(KubeError) -> KubeAnswer {
        if let client = client.withLock({ $0 }) { return try await client.send(request) }
        let (path, logger) = (path, logger)
        let made: Result<KubeClient, KubeError>
        do {
            made = try await disk.run(within: .seconds(5), .system) {
                do throws(KubeconfigProblem) {
                    let connection = try Kubeconfig.load(path)
                    return .success(
                        try KubeClient(connection, KubeClient.Options(version: Version.current), logger: logger))
                } catch {
                    return .failure(KubeError(.other, "there is no way to ask the API server yet: \(error)"))
                }
            }
        } catch {
            made = .failure(KubeError(.other, "there is no way to ask the API server yet: \(path) is being read"))
        }
        let new = try made.get()
        let kept = client.withLock { client in
            if let client { return client }
            client = new
            return new
        }
        return try await kept.send(request)
    }
}
