// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration
internal import Systemd

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check or show the configuration.", subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the agent would start with this configuration.",
            discussion: """
                Also looks at the files that it names: certificates, tokens, the policy, the kubeconfig. Changes nothing.

                Exit codes: 0 it would start; 1 one of the files cannot be used; 2 the configuration is malformed.
                """)

        @OptionGroup var options: ConfigurationOptions

        @Flag(help: "Leave out the files that it names: they are another machine's, or still to come.")
        var withoutFiles = false

        func run() throws {
            let (configuration, warnings) = try options.resolve()
            for warning in warnings { StandardError.print("warning: \(warning)") }
            let problems = withoutFiles ? [] : StartUpFiles.problems(configuration)
            guard problems.isEmpty else {
                ConfigurationOptions.tell(problems)
                throw ExitCode(1)
            }
            // The journal has the record of the reload itself.
            guard !Journal.isStandardError else { return }
            print("the configuration is good")
            if let lines = ServiceConfinement.dropIn(for: configuration) {
                print("for these paths the packaged service needs a drop-in, if it has none yet: make the directories,")
                print("then \"systemctl edit nodekeep\" with these lines, then restart it")
                for line in lines { print(line) }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the effective configuration: file, flags and defaults.")

        @OptionGroup var options: ConfigurationOptions

        @Option(name: .shortAndLong, help: "yaml or json.")
        var output: OutputFormat = .yaml

        func run() throws {
            let (configuration, warnings) = try options.resolve()
            for warning in warnings { StandardError.print("warning: \(warning)") }
            let document = configuration.document()
            switch output {
            case .yaml: print(YAML.text(of: document), terminator: "")
            case .json: JSONText.print(document)
            }
        }
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case yaml, json
}
