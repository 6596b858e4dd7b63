// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration
internal import NodeStatus

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how the node is, as a running agent sees it.",
        discussion: "Asks the agent on its socket, and where that is out of reach on its local listener.")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: ArgumentHelp("Ask this server instead, such as http://127.0.0.1:10281.", valueName: "url"))
    var server: String?

    @Option(name: .shortAndLong, help: "yaml or json instead of text.")
    var output: OutputFormat?

    func run() async throws {
        let (configuration, _) = try options.resolve()
        let address =
            configuration.localAddress.isIPv6 ? "[\(configuration.localAddress)]" : "\(configuration.localAddress)"
        var places: [StatusClient.Place] = server.map { [.server($0)] } ?? [.socket(configuration.socketPath)]
        if server == nil, configuration.localPort != 0 {
            places.append(.server("http://\(address):\(configuration.localPort)"))
        }
        do {
            let report = try JSONText.parse(try await StatusClient(places: places).get("/status"))
            switch output {
            case nil: print(StatusText(report).text, terminator: "")
            case .yaml: print(YAML.text(of: report), terminator: "")
            case .json: JSONText.print(report)
            }
        } catch {
            StandardError.print("nodekeep status: \(error)")
            throw ExitCode(1)
        }
    }
}
