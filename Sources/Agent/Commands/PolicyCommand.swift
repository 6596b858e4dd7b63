// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import ArgumentParser
internal import Configuration

/// Explains what the rules of the policy say.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Explain the policy.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether somebody may do something, and by which rule, or why no rule allows it.",
            discussion: """
                Exit codes: 0 it is allowed; 1 it is not; 2 the policy or the configuration is malformed. Without --user it \
                only checks the file.
                """)

        @OptionGroup var place: FileOptions

        @Option(help: ArgumentHelp("Who asks.", valueName: "name"))
        var user: String?

        @Option(help: ArgumentHelp("A group of his; may be given several times.", valueName: "name"))
        var group: [String] = []

        @Option(
            help: "get, list, create, update, patch or delete.",
            completion: .list(["get", "list", "create", "update", "patch", "delete"]))
        var verb: String = "get"

        @Option(
            help: "stats, metrics, healthz, configz, checkpoint or checkpoints.",
            completion: .list(PolicyEndpoint.allCases.map(\.rawValue)))
        var endpoint: String?

        @Option(help: "Of the container whose checkpoint is asked for.")
        var namespace: String?

        @Option(help: "The pod.")
        var pod: String?

        @Option(help: "The container.")
        var container: String?

        func run() throws {
            let policy = try load()
            guard let user else {
                guard endpoint == nil, namespace == nil, pod == nil, container == nil, group.isEmpty else {
                    throw ValidationError("--user: who asks? Without it only the file is checked")
                }
                return print("the policy is good: \(policy.rules.count) rules")
            }
            guard let endpoint, let asked = PolicyEndpoint(rawValue: endpoint) else {
                let names = PolicyEndpoint.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--endpoint: one of \(names)")
            }
            let attributes = AccessAttributes(verb: verb, endpoint: asked, checkpoint: try target())
            let identity = Identity.supposed(user, groups: group)
            let explanation = policy.explain(identity, attributes)
            for line in explanation.lines { print(line) }
            if !explanation.isAllowed { throw ExitCode.failure }
        }

        private func target() throws -> CheckpointTarget? {
            guard namespace != nil || pod != nil || container != nil else { return nil }
            guard let namespace, let pod, let container else {
                throw ValidationError("--namespace, --pod and --container belong together")
            }
            return CheckpointTarget(namespace: namespace, pod: pod, container: container)
        }

        private func load() throws -> Policy {
            let path = try place.path { $0.access.policyFile }
            do {
                return try Policy.load(path ?? AccessSettings.defaultPolicyFile)
            } catch {
                StandardError.print("nodekeep policy: \(error)")
                throw ExitCode(2)
            }
        }
    }
}
