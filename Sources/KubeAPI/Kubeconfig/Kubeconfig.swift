// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// Reads kubeconfig files (client-go tools/clientcmd/api/v1/types.go). Which of their fields count is told in
/// docs/kubernetes-api.md; what is not supported is refused, never ignored, when the chosen context uses it.
package enum Kubeconfig {
    /// Reads a file. Blocks.
    ///
    /// - Parameters:
    ///   - path: Absolute. Relative paths in the file are relative to its directory.
    ///   - context: Nil: the file's `current-context`.
    package static func load(_ path: String, context: String? = nil) throws(KubeconfigProblem) -> KubeConnection {
        let bytes: [UInt8]
        do throws(CredentialFile.Problem) {
            bytes = try CredentialFile.read(path)
        } catch {
            throw KubeconfigProblem(file: ForeignText.line(path), "cannot be read: \(error.reason)")
        }
        return try parse(bytes, path: path, context: context)
    }

    /// The same from bytes; `path` tells where they come from.
    package static func parse(
        _ bytes: [UInt8], path: String, context: String? = nil
    ) throws(KubeconfigProblem) -> KubeConnection {
        let file = ForeignText.line(path)
        let root: YAMLNode
        do throws(YAML.SyntaxError) {
            root = try YAML.parse(bytes)
        } catch {
            throw KubeconfigProblem(file: file, line: error.line, error.message)
        }
        guard root.entries != nil else {
            throw KubeconfigProblem(file: file, "no kubeconfig: it has no fields")
        }
        let document = KubeconfigSection(node: root, file: file, name: "")
        for (key, expected) in [("kind", "Config"), ("apiVersion", "v1")] {
            if let text = try document.text(key), text != expected {
                throw document.problem(key, "\(expected) belongs here")
            }
        }
        document.warnOfUnknown([
            "kind", "apiVersion", "clusters", "users", "contexts", "current-context", "preferences", "extensions",
        ])

        let (contextName, chosen) = try document.context(named: context)
        chosen.warnOfUnknown(["cluster", "user", "namespace", "extensions"])
        guard let clusterName = try chosen.text("cluster") else {
            throw chosen.problem("cluster", "missing: it names one of the clusters")
        }
        let cluster = try document.entry(of: "clusters", named: clusterName, field: "cluster", usedBy: contextName)
        var user: KubeconfigSection?
        if let name = try chosen.text("user") {
            user = try document.entry(of: "users", named: name, field: "user", usedBy: contextName)
        }

        var connection = try cluster.cluster(directory: directory(of: path))
        connection.namespace = try chosen.text("namespace")
        if let user { try user.addUser(to: &connection, directory: directory(of: path)) }
        connection.warnings += [document, chosen, cluster].flatMap(\.warnings) + (user?.warnings ?? [])
        return connection
    }

    static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
