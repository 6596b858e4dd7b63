// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Checkpoint
internal import Configuration
internal import Logging

/// The process of one checkpoint. Started by the agent, never by hand.
struct DumpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Take the checkpoint of one job.", shouldDisplay: false)

    @Argument(help: ArgumentHelp("The job's directory.", valueName: "directory"))
    var job: String

    func run() async throws {
        AgentLogging.bootstrap(level: .info)
        let code = await DumpMain.run(jobDirectory: job, logger: Logger(label: "nodekeep.dump"))
        if code != 0 { throw ExitCode(code) }
    }
}

struct RecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Finish or undo checkpoints that were interrupted, and see to it that no container stays frozen.",
        discussion: """
            Jobs that are under way are left alone. Without --once it goes on until nothing is left to do, and waits for \
            the runtime if it must. The agent does the same when it starts.

            Exit codes: 0 nothing is left; 1 something is, and standard error says what; 2 the configuration is malformed, \
            and the directory that the agent used last was looked at.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Try each job once instead of until none is left.")
    var once = false

    @Option(help: ArgumentHelp("This job alone, by its directory.", valueName: "directory", visibility: .hidden))
    var job: String?

    func run() async throws {
        let code: Int32
        if let job {
            // Everything that it needs is in the directory: the configuration may have changed since.
            AgentLogging.bootstrap(level: .info)
            code = await RecoverMain.run(jobDirectory: job, logger: Self.logger())
        } else {
            let configuration: Configuration
            do {
                configuration = try options.resolve().configuration
            } catch {
                await recoverLastUsed()
                throw error
            }
            AgentLogging.bootstrap(level: AgentLogging.level(verbosity: configuration.verbosity))
            code = await RecoverMain.run(
                checkpointDirectory: configuration.checkpointDirectory, once: once, logger: Self.logger())
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// A configuration that has been spoiled must not leave a container frozen.
    private func recoverLastUsed() async {
        guard
            let directory = UsedDirectory.read(
                stateDirectory: options.stateDir ?? Configuration().stateDirectory)
        else { return }
        AgentLogging.bootstrap(level: .info)
        _ = await RecoverMain.run(checkpointDirectory: directory, once: once, logger: Self.logger())
    }

    /// Not before `bootstrap`: a logger writes for good to where loggers wrote when it was made.
    private static func logger() -> Logger { Logger(label: "nodekeep.recover") }
}
