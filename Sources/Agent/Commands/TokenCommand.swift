// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import NodeStatus

/// nodekeep's own tokens: made, listed and taken back.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke nodekeep's own bearer tokens.",
        discussion: """
            They are kept as hashes in authentication.tokenFile of the configuration, or the file that --file names. \
            The agent follows that file: a new token works, and a revoked one is refused, within two seconds.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it.",
            discussion:
                "It is shown this once and kept nowhere: standard output is the token, standard error says the rest.")

        @Option(help: ArgumentHelp("Who it is, as policy rules and records name him.", valueName: "name"))
        var user: String

        @Option(help: ArgumentHelp("A group of his; may be given several times.", valueName: "name"))
        var group: [String] = []

        @Option(help: ArgumentHelp("How long it is good for, such as 720h; without it, until it is revoked."))
        var ttl: String?

        @OptionGroup var place: FileOptions

        func run() throws {
            let now = Time.now()
            var expires: Timestamp?
            if let ttl {
                guard let duration = try? GoDuration.parse(ttl), duration >= .seconds(1),
                    duration <= .seconds(100 * 366 * 86_400)
                else { throw ValidationError("--ttl: \(ttl) is not a duration of a second or more, such as 720h") }
                expires = Timestamp(seconds: now.seconds + duration.components.seconds)
            }
            try TokenCommand.telling {
                let store = try TokenCommand.store(place)
                let (token, record) = try store.create(user: user, groups: group, expires: expires, date: now)
                print(token)
                let until = record.expires.map { "until \($0.rfc3339)" } ?? "until it is revoked"
                StandardError.print("token \(record.id) of \(record.user), good \(until)")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say which tokens there are.")

        @OptionGroup var place: FileOptions

        @Option(name: .shortAndLong, help: "table or json.")
        var output: ListFormat = .table

        func run() throws {
            let now = Time.now()
            try TokenCommand.telling {
                let records = try TokenCommand.store(place).list()
                switch output {
                case .json:
                    let items = records.map { TokenCommand.value($0, now) }
                    let document = ConfigurationValue.object([.init("items", .array(items))])
                    JSONText.print(document)
                case .table:
                    let rows = records.map { record in
                        [
                            record.id, record.user, record.groups.joined(separator: ","), record.created.rfc3339,
                            record.expires.map { $0.rfc3339 + (record.isExpired(at: now) ? " (expired)" : "") }
                                ?? "never",
                        ]
                    }
                    for line in TextTable.lines(["ID", "USER", "GROUPS", "CREATED", "EXPIRES"], rows) { print(line) }
                }
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a token back.")

        @Argument(help: "Its id, as list shows it.")
        var id: String

        @OptionGroup var place: FileOptions

        func run() throws {
            try TokenCommand.telling {
                let record = try TokenCommand.store(place).revoke(id: id)
                print("token \(record.id) of \(record.user) is revoked")
            }
        }
    }

    private static func store(_ place: FileOptions) throws -> TokenStore {
        if let path = try place.path({ $0.access.tokenFile }) { return TokenStore(path, owner: geteuid()) }
        StandardError.print(
            "nodekeep token: no token file is configured; set authentication.tokenFile in "
                + "\(place.config ?? ConfigurationOptions.defaultFile), such as /etc/nodekeep/tokens, or give --file")
        throw ExitCode(2)
    }

    private static func telling(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch let problem as AccessProblem {
            StandardError.print("nodekeep token: \(problem)")
            throw ExitCode.failure
        }
    }

    private static func value(_ record: TokenRecord, _ now: Timestamp) -> ConfigurationValue {
        typealias Field = ConfigurationValue.Field
        var fields = [
            Field("id", .string(record.id)), Field("user", .string(record.user)),
            Field("groups", .array(record.groups.map { .string($0) })),
            Field("created", .string(record.created.rfc3339)),
        ]
        if let expires = record.expires {
            fields += [
                Field("expires", .string(expires.rfc3339)), Field("expired", .bool(record.isExpired(at: now))),
            ]
        }
        return .object(fields)
    }
}

enum ListFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// Columns for a terminal.
enum TextTable {
    static func lines(_ titles: [String], _ rows: [[String]]) -> [String] {
        let all = [titles] + rows
        let widths = titles.indices.map { column in
            all.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return all.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == row.count - 1
                    ? cell.0 : cell.0 + String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            }.joined(separator: "  ")
        }
    }
}
