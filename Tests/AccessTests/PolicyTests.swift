// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Access

let examplePolicy = """
    apiVersion: nodekeep/v1
    kind: Policy
    rules:
    - name: monitoring
      subjects:
        groups: [monitoring]
      verbs: [get]
      endpoints: [stats, metrics, healthz]
    - name: team-a
      subjects:
        users: [alice]
        groups: [team-a]
      verbs: [create, get, list, delete]
      endpoints: [checkpoint, checkpoints]
      namespaces: [team-a, team-a-*]
    - name: one-pod
      subjects:
        users: ["10"]
      verbs: ["*"]
      endpoints: ["*"]
      pods: [web-0]
      containers: [app]
    - name: admins
      subjects:
        groups: ["system:masters"]
      verbs: ["*"]
      endpoints: ["*"]
    """

private func policy(_ text: String) throws -> Policy { try Policy.parse(Array(text.utf8), file: "p.yaml") }

private func who(_ name: String, _ groups: String...) -> Identity {
    Identity(name: name, groups: groups, method: .x509)
}

private func target(_ namespace: String, _ pod: String = "web-0", _ container: String = "app") -> CheckpointTarget {
    CheckpointTarget(namespace: namespace, pod: pod, container: container)
}

private func ask(_ verb: String, _ endpoint: PolicyEndpoint, _ target: CheckpointTarget? = nil) -> AccessAttributes {
    AccessAttributes(verb: verb, endpoint: endpoint, checkpoint: target)
}

@Suite struct PolicyTests {
    private let rules = try? policy(examplePolicy)

    private func rule(_ identity: Identity, _ attributes: AccessAttributes) throws -> String? {
        let rules = try #require(rules)
        let explanation = rules.explain(identity, attributes)
        let decision = rules.decide(identity, attributes)
        #expect(explanation.decision == decision)
        switch decision {
        case .allowed(let by, let until):
            #expect(until == nil)
            let name = try #require(explanation.rules.first(where: \.allows)?.name)
            #expect(by == "policy rule \"\(name)\"")
            return name
        case .denied(let reason):
            #expect(reason == "no rule of the policy allows it")
            #expect(explanation.rules.allSatisfy { !$0.allows })
            return nil
        case .failed(let reason):
            throw TestFailure(reason)
        }
    }

    @Test("Who only looks like somebody is not that one", arguments: ["K", "e\u{301}"], [true, false])
    func namesAreBytes(sign: String, isGroup: Bool) throws {
        // The same text to Unicode and to String, the second in other bytes: K and the sign for kelvin, é in one scalar.
        let twin = sign == "K" ? "\u{212A}" : "\u{e9}"
        #expect(sign == twin)
        let field = isGroup ? "groups" : "users"
        let rules = try policy(
            """
            apiVersion: nodekeep/v1
            kind: Policy
            rules:
            - name: one
              subjects:
                \(field): ["\(sign)"]
              verbs: ["*"]
              endpoints: ["*"]
            """)
        func isAllowed(_ name: String) -> Bool {
            let identity = isGroup ? who("somebody", name) : who(name)
            return rules.explain(identity, ask("get", .stats)).isAllowed
        }
        #expect(isAllowed(sign))
        #expect(!isAllowed(twin))
    }

    @Test func verbsAndEndpoints() throws {
        let monitoring = who("m", "system:authenticated", "monitoring")
        #expect(try rule(monitoring, ask("get", .metrics)) == "monitoring")
        #expect(try rule(monitoring, ask("get", .stats)) == "monitoring")
        #expect(try rule(monitoring, ask("create", .stats)) == nil)
        #expect(try rule(monitoring, ask("get", .configz)) == nil)
        #expect(try rule(monitoring, ask("get", .checkpoints)) == nil)
        #expect(try rule(monitoring, ask("create", .checkpoint, target("team-a"))) == nil)
        // HEAD.
        #expect(try rule(monitoring, ask("", .metrics)) == "monitoring")
        #expect(try rule(who("monitoring"), ask("get", .metrics)) == nil)
        #expect(try rule(who("Monitoring", "Monitoring"), ask("get", .metrics)) == nil)
    }

    @Test func namespaces() throws {
        for identity in [who("alice"), who("x", "team-a")] {
            for namespace in ["team-a", "team-a-", "team-a-blue"] {
                #expect(try rule(identity, ask("create", .checkpoint, target(namespace))) == "team-a")
                #expect(try rule(identity, ask("delete", .checkpoints, target(namespace))) == "team-a")
            }
            for namespace in ["", "team-b", "team-ab", "Team-a", "a-team-a", "team-a/../x", "team-á"] {
                #expect(try rule(identity, ask("create", .checkpoint, target(namespace))) == nil, "\(namespace)")
            }
            // All archives are not those of one namespace.
            #expect(try rule(identity, ask("list", .checkpoints)) == nil)
            #expect(try rule(identity, ask("get", .stats)) == nil)
            #expect(try rule(identity, ask("update", .checkpoints, target("team-a"))) == nil)
        }
    }

    @Test func podsAndContainers() throws {
        let ten = who("10")
        #expect(try rule(ten, ask("create", .checkpoint, target("any"))) == "one-pod")
        #expect(try rule(ten, ask("create", .checkpoint, target("any", "web-1"))) == nil)
        #expect(try rule(ten, ask("create", .checkpoint, target("any", "web-0", "sidecar"))) == nil)
        #expect(try rule(ten, ask("get", .stats)) == nil)
    }

    @Test func everything() throws {
        let admin = who("a", "system:masters")
        for verb in ["get", "list", "create", "update", "patch", "delete", ""] {
            for endpoint in PolicyEndpoint.allCases {
                #expect(try rule(admin, ask(verb, endpoint)) == "admins")
                #expect(try rule(admin, ask(verb, endpoint, target("x"))) == "admins")
            }
        }
        let other = AccessAttributes(verb: "get", subresources: ["proxy"], path: "/pods")
        #expect(try rule(admin, other) == "admins")
        #expect(try rule(who("m", "monitoring"), other) == nil)
    }

    @Test func nobodyHasARightByWhatHeIsCalled() throws {
        let root = Identity(name: "root", groups: ["system:masters"], method: .x509)
        let none = try policy("apiVersion: nodekeep/v1\nkind: Policy\nrules: []\n")
        #expect(none.decide(root, ask("get", .stats)) == .denied("no rule of the policy allows it"))
        #expect(none.explain(root, ask("get", .stats)).isAllowed == false)
        let local = none.explain(.localRoot, ask("get", .stats))
        #expect(local.decision == .allowed(by: "root at the local socket", until: nil))
    }

    @Test func endpointsOfPaths() {
        func endpoint(_ path: String, _ subresources: String...) -> String {
            AccessAttributes(verb: "get", subresources: subresources, path: path).endpoint
        }
        #expect(endpoint("/", "stats") == "stats")
        #expect(endpoint("/status", "stats") == "stats")
        #expect(endpoint("/stats/summary", "stats") == "stats")
        #expect(endpoint("/livez", "healthz", "proxy") == "healthz")
        #expect(endpoint("/metrics/resource", "metrics") == "metrics")
        #expect(endpoint("/checkpoint/a/b/c", "checkpoint") == "checkpoint")
        #expect(endpoint("/checkpoints", "checkpoint") == "checkpoints")
        #expect(endpoint("/checkpoints/x", "checkpoint") == "checkpoints")
        #expect(endpoint("/pods", "pods", "proxy") == "pods")
        #expect(endpoint("/x") == "x")
        #expect(endpoint("") == "")
        for each in PolicyEndpoint.allCases { #expect(ask("get", each).endpoint == each.rawValue) }
    }

    @Test func theExplanation() throws {
        let rules = try #require(rules)
        let denied = rules.explain(who("bob", "team-a"), ask("create", .checkpoint, target("team-b")))
        #expect(
            denied.lines == [
                "denied: no rule of the policy allows it",
                "rule \"monitoring\" (line 4): subjects: not for the user \"bob\" nor the groups \"team-a\"; "
                    + "verbs: create is not among \"get\"; "
                    + "endpoints: \"checkpoint\" is not among \"healthz\", \"metrics\", \"stats\"",
                "rule \"team-a\" (line 9): namespaces: \"team-b\" is not among \"team-a\", \"team-a-*\"",
                "rule \"one-pod\" (line 16): subjects: not for the user \"bob\" nor the groups \"team-a\"",
                "rule \"admins\" (line 23): subjects: not for the user \"bob\" nor the groups \"team-a\"",
            ])
        let listing = rules.explain(who("alice"), ask("list", .checkpoints))
        #expect(listing.rules[1].reasons == ["it is for certain containers, and the request names none"])
        let allowed = rules.explain(who("alice"), ask("create", .checkpoint, target("team-a")))
        #expect(allowed.lines[0] == "allowed by policy rule \"team-a\"")
        #expect(allowed.lines[2] == "rule \"team-a\" (line 9): allows it")
    }
}
