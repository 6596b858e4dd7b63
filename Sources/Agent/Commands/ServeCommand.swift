// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration
internal import Logbook
internal import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the agent until it is told to stop.",
        discussion: """
            SIGTERM and SIGINT stop it within two seconds, SIGHUP makes it read its configuration again.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let (configuration, warnings) = try options.resolve()
        AgentLogging.bootstrap(level: AgentLogging.level(verbosity: configuration.verbosity))
        let logger = Logger(label: "nodekeep")
        for warning in warnings { logger.warning("\(warning)", metadata: .of(.configurationWarning)) }
        do {
            let options = self.options
            try await Agent(configuration: configuration, logger: logger, reread: { try options.read() }).run()
        } catch let error as AgentError {
            // On standard error, not in the journal alone: whoever starts it by hand reads it here.
            logger.critical("\(error)", metadata: .of(.agentFailed))
            throw ExitCode(1)
        }
    }
}
