// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import NodeStatus

struct CheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Take checkpoints of containers, and see how they get on.",
        subcommands: [CheckpointCreateCommand.self, CheckpointJobsCommand.self])
}

struct CheckpointCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Take a checkpoint of a running container, which goes on running.",
        discussion: """
            Prints the path of the archive. While it works, and standard error is a terminal, it shows there how far it \
            is. Interrupted or timed out, the dump goes on all the same once it has begun.

            Exit codes: 0 the archive is there; 1 the runtime or a disk failed; 2 a name or option is malformed; \
            3 there is no such container, or it is not running, paused, or worked on by somebody else; 4 not now: too \
            many wait, the disk is too full, the runtime is not there; 5 not finished in time, the dump goes on.
            """)

    @Argument(help: ArgumentHelp("NAMESPACE/POD/CONTAINER", valueName: "container"))
    var container: String

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "How long to wait, in seconds or as 1m30s. Default: the agent's runtimeRequestTimeout, two minutes.",
            valueName: "duration"))
    var timeout: String?

    @Flag(help: "Only say what it would take, and what speaks against it.")
    var dryRun = false

    @Option(name: .shortAndLong, help: "json instead of text.")
    var output: CheckpointOutput?

    func run() async throws {
        let (configuration, _) = try options.resolve()
        let client = CheckpointClient(socketPath: configuration.socketPath)
        let names = container.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard names.count == 3, names.allSatisfy({ !$0.isEmpty }) else {
            StandardError.print("nodekeep checkpoint create: \(container) is not NAMESPACE/POD/CONTAINER")
            throw ExitCode(2)
        }
        let seconds = try timeout.map(Self.seconds)
        let answer: CheckpointClient.Answer
        do {
            if dryRun {
                answer = try await client.create(names, seconds: seconds, isDryRun: true, name: nil)
            } else {
                let name = "cli-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))"
                answer = try await CheckpointProgress(
                    client: client, request: name, isShown: isatty(STDERR_FILENO) == 1
                )
                .during { try await client.create(names, seconds: seconds, isDryRun: false, name: name) }
            }
        } catch {
            StandardError.print("nodekeep checkpoint create: \(error)")
            throw ExitCode(1)
        }
        guard answer.status == 200 else {
            if output == .json {
                show(
                    .object([
                        .init("code", .int(Int64(clamping: answer.status))),
                        .init("job", answer.job.map { .string($0) } ?? .null), .init("message", .string(answer.text)),
                    ]))
            } else {
                StandardError.print("nodekeep checkpoint create: \(answer.text)")
            }
            throw ExitCode(Self.exitCode(answer.status))
        }
        try show(answer)
    }

    private func show(_ answer: CheckpointClient.Answer) throws {
        let value = try JSONText.parse(answer.body)
        if output == .json {
            show(value)
        } else if dryRun {
            print(CheckpointPlanText(value).text, terminator: "")
        } else if case .array(let items)? = value["items"], case .string(let path)? = items.first {
            print(path)
        } else {
            throw AgentError("the agent's answer names no archive")
        }
    }

    private func show(_ value: ConfigurationValue) {
        JSONText.print(value)
    }

    /// `90` or `1m30s`; whole seconds, rounded up.
    private static func seconds(_ text: String) throws -> Int64 {
        let duration = Int64(text).map { Duration.seconds($0) } ?? (try? GoDuration.parse(text))
        guard let duration, duration >= .zero, duration <= .seconds(1_000_000_000) else {
            StandardError.print("nodekeep checkpoint create: --timeout \(text) is not a number of seconds or 1m30s")
            throw ExitCode(2)
        }
        return duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0)
    }

    private static func exitCode(_ status: UInt) -> Int32 {
        switch status {
        case 400: 2
        case 404, 409: 3
        case 503, 507: 4
        case 504: 5
        default: 1
        }
    }
}

enum CheckpointOutput: String, ExpressibleByArgument, CaseIterable {
    case json
}

struct CheckpointJobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List the checkpoints that are being taken or wait for their turn.")

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .shortAndLong, help: "json instead of a table.")
    var output: CheckpointOutput?

    func run() async throws {
        let (configuration, _) = try options.resolve()
        do {
            let value = try await CheckpointClient(socketPath: configuration.socketPath).jobs(request: nil)
            if output == .json {
                JSONText.print(value)
            } else {
                print(CheckpointJobsText(value).text, terminator: "")
            }
        } catch {
            StandardError.print("nodekeep checkpoint jobs: \(error)")
            throw ExitCode(1)
        }
    }
}
