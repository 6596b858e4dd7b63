// SPDX-License-Identifier: Apache-2.0

extension KubeConnection {
    /// Where a pod finds its service account.
    package static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The API server of the cluster that this runs in as a pod, with the pod's service account (client-go
    /// rest/config.go). Blocks. Stricter than that in one thing: without a readable `ca.crt` it does not go on with the
    /// system's authorities.
    package static func inCluster(
        environment: [String: String], directory: String = serviceAccountDirectory
    ) throws(KubeconfigProblem) -> KubeConnection {
        let origin = "the pod's service account"
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw KubeconfigProblem(
                file: origin,
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set: this is no pod of a cluster; "
                    + "give a kubeconfig")
        }
        let server: ServerAddress
        do throws(ServerAddress.Problem) {
            server = try ServerAddress(host: host, port: port)
        } catch {
            throw KubeconfigProblem(
                file: origin, field: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT", error.explanation)
        }
        var connection = KubeConnection(
            server: server, trust: .authorities(.file(path: "\(directory)/ca.crt", field: "certificate-authority")),
            origin: origin)
        connection.token = .file(path: "\(directory)/token", field: "tokenFile")
        do throws(CredentialFile.Problem) {
            let text = String(decoding: try CredentialFile.read("\(directory)/namespace", limit: 1_024), as: UTF8.self)
            connection.namespace = text.split(whereSeparator: \.isWhitespace).first.map { ForeignText.line(String($0)) }
        } catch {
            // Nobody needs it to reach the server.
        }
        return connection
    }
}
