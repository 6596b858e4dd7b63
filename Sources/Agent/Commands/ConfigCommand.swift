// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check or show the configuration.", subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the agent would start with this configuration.")

        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            let (configuration, warnings) = try options.resolve()
            for warning in warnings { StandardError.print("warning: \(warning)") }
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
