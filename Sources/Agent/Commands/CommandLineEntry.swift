// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// What the executable calls.
package enum CommandLineEntry {
    /// Parses the arguments, runs the command and, if it failed, ends the process with its exit code.
    package static func run() async {
        await NodekeepCommand.main()
    }
}
