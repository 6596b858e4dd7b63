// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import Configuration
internal import KubeAPI
internal import NodeStatus

/// The files that the agent cannot start without, read as it reads them then: a running one goes on with what it has read
/// before, and would not come back from a restart.
enum StartUpFiles {
    /// What is wrong with them, each on a line. Waits for the disk, writes nothing.
    static func problems(_ configuration: Configuration) -> [String] {
        var problems: [String] = []
        if let problem = AccessSetup.problem(configuration) { problems.append(problem) }
        if configuration.access.hasAuthenticator, let certificate = configuration.tls.certFile,
            let key = configuration.tls.privateKeyFile
        {
            var serving = ServingCertificate(.files(certificate: certificate, key: key))
            let notices = serving.refresh(date: Time.now()).notices
            if serving.pair == nil {
                problems.append(notices.first { $0.isProblem }?.description ?? "\(certificate) cannot be used")
            }
        }
        if configuration.cluster.role != .none || configuration.access.needsWebhook,
            configuration.cluster.bootstrapKubeconfig == nil, let path = configuration.access.kubeconfig
        {
            do {
                _ = try Kubeconfig.load(path)
            } catch {
                problems.append("\(error)")
            }
        }
        return problems
    }
}
