// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("Names, labels and taints")
struct LabelsTests {
    @Test(
        "A label is legal where Kubernetes says so",
        arguments: [
            ("a", "", true), ("a/b", "x", true), ("example.com/A_b-c.d", "A.b_c-d", true), ("", "x", false),
            ("/b", "x", false), ("a/", "x", false), ("a/b/c", "x", false), ("A.com/b", "x", false),
            ("-a", "x", false), ("a-", "x", false), ("a b", "x", false), ("a", "-x", false), ("a", "x.", false),
            ("a", "x y", false), ("a", "ü", false), ("a..b/c", "", false),
            (String(repeating: "a", count: 63), "", true),
            (String(repeating: "a", count: 64), "", false), ("a", String(repeating: "v", count: 63), true),
            ("a", String(repeating: "v", count: 64), false), (String(repeating: "p", count: 254) + "/a", "", false),
        ])
    func syntax(key: String, value: String, isLegal: Bool) {
        if isLegal {
            #expect(throws: Never.self) { try LabelSyntax.validate(key: key, value: value) }
        } else {
            #expect(throws: SyntaxError.self) { try LabelSyntax.validate(key: key, value: value) }
        }
    }

    @Test(
        "A node may set its own labels only where the API server lets it",
        arguments: [
            ("kubernetes.io/hostname", true), ("kubernetes.io/os", true), ("beta.kubernetes.io/arch", true),
            ("topology.kubernetes.io/zone", true), ("node.kubernetes.io/anything", true),
            ("x.node.kubernetes.io/y", true), ("kubelet.kubernetes.io/y", true), ("example.com/role", true),
            ("role", true),
            ("kubernetes.io/role", false), ("node-role.kubernetes.io/worker", false), ("k8s.io/x", false),
            ("a.k8s.io/x", false), ("node-restriction.kubernetes.io/x", false),
            ("a.node-restriction.kubernetes.io/x", false), ("notkubernetes.io/x", true),
            ("xnode.kubernetes.io/x", false), ("kubernetes.io", true),
        ])
    func selfLabels(key: String, isAllowed: Bool) {
        #expect((SelfLabelRule.refusal(key: key) == nil) == isAllowed)
    }

    @Test(
        "A taint is read as the kubelet reads it",
        arguments: [
            ("key=value:NoSchedule", "key=value:NoSchedule"), ("key:NoExecute", "key:NoExecute"),
            ("key=:PreferNoSchedule", "key:PreferNoSchedule"),
            ("example.com/a=b:NoExecute", "example.com/a=b:NoExecute"),
        ])
    func taints(text: String, shown: String) throws {
        #expect(try Taint(parsing: text).description == shown)
    }

    @Test(
        "Other taints are refused",
        arguments: [
            "", "key", "key=value", "key=value:Never", "key=value:", ":NoSchedule", "=v:NoSchedule", "a=b=c:NoSchedule",
            "a:b:NoSchedule", "a=b c:NoSchedule", "key=value:noschedule",
        ])
    func badTaints(text: String) throws {
        let error = try #require(throws: SyntaxError.self) { try Taint(parsing: text) }
        #expect(error.description.contains("is not a taint"))
    }

    @Test(
        "The node name is the trimmed host name in lower case, or the override",
        arguments: [("Node1.Example ", "", "node1.example"), ("node1", " Other ", "other"), ("node1", "  ", "node1")])
    func name(hostname: String, override: String, name: String) {
        var node = recordedNode()
        node.hostname = .value(hostname, at: node.time)
        var settings = NodeSettings()
        settings.hostnameOverride = override
        #expect(NodeName.compute(node, settings).value == name)
        #expect(NodeName.problem(name) == nil)
    }

    @Test("A name that no API server takes is a problem, an empty one is none at all")
    func badNames() {
        #expect(NodeName.problem("node_1")?.hasPrefix("the node name \"node_1\" is not a DNS-1123 subdomain") == true)
        #expect(NodeName.problem(String(repeating: "a", count: 254)) != nil)
        #expect(NodeName.problem("a..b") != nil)
        var node = recordedNode()
        node.hostname = .value(" \n", at: node.time)
        #expect(NodeName.compute(node, NodeSettings()).missingReason == "the host name is empty")
        node.hostname = .missing("gethostname: no")
        #expect(NodeName.compute(node, NodeSettings()).missingReason == "gethostname: no")
    }

    @Test("Preset labels say where they come from, and configured ones override them")
    func preset() {
        var settings = NodeSettings()
        settings.nodeLabels = ["kubernetes.io/arch": "special", "example.com/rack": "7", "bad key": "x"]
        let labels = PresetLabels.compute(recordedNode(), settings)
        #expect(
            labels.labels.map { "\($0.key)=\($0.value) (\($0.source))" } == [
                "beta.kubernetes.io/arch=amd64 (uname)", "beta.kubernetes.io/os=linux (built for linux)",
                "example.com/rack=7 (configuration: nodeLabels)",
                "kubernetes.io/arch=special (configuration: nodeLabels)", "kubernetes.io/hostname=node1 (hostname)",
                "kubernetes.io/os=linux (built for linux)",
            ])
        #expect(labels.problems.count == 1)
    }

    @Test("A host name too long for a label value is left out with the reason")
    func longHostname() {
        var node = recordedNode()
        node.hostname = .value(String(repeating: "a", count: 60) + ".example", at: node.time)
        let labels = PresetLabels.compute(node, NodeSettings())
        #expect(labels.dictionary["kubernetes.io/hostname"] == nil)
        #expect(labels.problems.first?.contains("longer than 63 characters") == true)
    }

    @Test("The control plane's taints follow from the conditions")
    func derived() {
        func taints(_ type: ConditionType, _ status: ConditionStatus) -> [String] {
            let time = Timestamp(seconds: 0)
            let condition = NodeCondition(
                type: type, status: status, lastHeartbeatTime: time, lastTransitionTime: time, reason: "", message: "")
            return DerivedTaint.compute([condition]).map(\.description)
        }
        #expect(
            taints(.ready, .isFalse) == [
                "node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute",
            ])
        #expect(
            taints(.ready, .unknown) == [
                "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute",
            ])
        #expect(taints(.ready, .isTrue).isEmpty)
        #expect(taints(.memoryPressure, .isTrue) == ["node.kubernetes.io/memory-pressure:NoSchedule"])
        #expect(taints(.diskPressure, .isTrue) == ["node.kubernetes.io/disk-pressure:NoSchedule"])
        #expect(taints(.pidPressure, .isTrue) == ["node.kubernetes.io/pid-pressure:NoSchedule"])
        #expect(taints(.pidPressure, .unknown).isEmpty)
        #expect(taints(.diskPressure, .isFalse).isEmpty)
    }
}
