// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// In which role the agent speaks to a control plane. After ``resolveAccess(_:_:)``, which reads the kubeconfig.
    mutating func resolveCluster(_ reader: ValueReader, _ flags: FlagValues) {
        let findings = reader.findings
        let role = reader.either(flag: "--cluster-role", flags.clusterRole, file: "cluster.role") { text, origin in
            if let role = HeartbeatRole(rawValue: text) { return (role, origin) }
            // The file's own value has been held against its shape.
            if origin == .flag("--cluster-role") {
                findings.refuse(origin, text, HeartbeatRole.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return nil
        }
        cluster.role = role?.0 ?? cluster.role
        cluster.registersNode = reader.bool("registerNode") ?? cluster.registersNode
        // As in a kubelet, zero is "not set".
        if let seconds = reader.int("nodeLeaseDurationSeconds", Limits.leaseDuration), seconds > 0 {
            cluster.leaseDurationSeconds = seconds
        }
        cluster.bootstrapKubeconfig = reader.either(
            flag: "--bootstrap-kubeconfig", flags.bootstrapKubeconfig, file: "cluster.bootstrapKubeconfig"
        ) { text, origin in
            text.isEmpty ? nil : Paths.judge(text, origin, findings)
        }
        if let (text, origin) = reader.text("cluster.conditionPrefix"), !text.isEmpty {
            cluster.conditionPrefix = text
            if let problem = ConditionPrefix.problem(text) {
                findings.refuse(origin, text, "what may stand before the type of a condition: it \(problem)")
            }
        }
        cluster.leaseNamespace = name("cluster.leaseNamespace", reader)
        cluster.leaseName = name("cluster.leaseName", reader)
        judgeCluster(reader, role?.1)
    }

    private func name(_ field: String, _ reader: ValueReader) -> String? {
        guard let (text, origin) = reader.text(field), !text.isEmpty else { return nil }
        guard let problem = LabelSyntax.subdomainProblem(text) else { return text }
        reader.findings.refuse(origin, text, "the name of an object: it \(problem)")
        return nil
    }

    private func judgeCluster(_ reader: ValueReader, _ role: Origin?) {
        let findings = reader.findings
        func origin(_ field: String) -> Origin { reader.find(field)?.origin ?? Origin(field: field, line: 1) }
        if cluster.role != .none, access.kubeconfig == nil {
            findings.refuse(
                role ?? origin("cluster.role"), cluster.role.rawValue,
                "none, or together with kubeconfig (or --kubeconfig), which says where the API server is")
        }
        if cluster.role != .companion {
            for (field, value) in [
                ("cluster.leaseNamespace", cluster.leaseNamespace), ("cluster.leaseName", cluster.leaseName),
            ] {
                guard let value else { continue }
                findings.refuse(
                    origin(field), value,
                    "only with cluster.role: companion; a Node's lease is found under the Node's name and nowhere else")
            }
        }
        guard let bootstrap = cluster.bootstrapKubeconfig, cluster.role != .node else { return }
        findings.refuse(
            origin("cluster.bootstrapKubeconfig"), bootstrap,
            "only with cluster.role: node: the cluster gives certificates of this kind to nodes alone")
    }
}
