// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// The command line.
struct NodekeepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodekeep",
        abstract: "A node agent: knows how its node is, and says so.",
        discussion: """
            Exit codes: 0 all is well; 1 it failed, and standard error says why; 2 the configuration is malformed; \
            64 the command line is.
            """,
        version: "nodekeep \(Version.current)",
        subcommands: [
            ServeCommand.self, StatusCommand.self, CheckpointCommand.self, RecoverCommand.self, TokenCommand.self,
            PolicyCommand.self, ConfigCommand.self, DumpCommand.self, VersionCommand.self,
        ])

}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        print("nodekeep \(Version.current)")
    }
}
