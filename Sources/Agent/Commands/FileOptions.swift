// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Configuration

/// A file that a command works on: named itself, or by the configuration.
struct FileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The file. Default: the one that the configuration names.", valueName: "path"),
        completion: .file())
    var file: String?

    @Option(
        help: ArgumentHelp(
            "The configuration that names it. Default: \(ConfigurationOptions.defaultFile).", valueName: "file"),
        completion: .file())
    var config: String?

    /// The file, or what is found in the configuration.
    func path(_ key: (Configuration) -> String?) throws -> String? {
        if let file { return file }
        var options = try ConfigurationOptions.parse([])
        options.file = config
        return key(try options.resolve().configuration)
    }
}
