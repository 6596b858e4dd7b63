// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logbook
internal import Logging
internal import Systemd

/// Starts the processes that work on jobs: apart from this one, so that none of them ends because this one does.
struct DumpLauncher: Sendable {
    /// What was started. A unit's process is systemd's child: its end is seen by the job's lock, not by its id.
    enum Started: Sendable {
        case child(pid_t)
        case unit(String)
    }

    /// The path by which a new process is this very program, even after an upgrade has replaced the file.
    private let executable = "/proc/self/exe"
    /// The socket of the container runtime, as a path.
    let runtimeSocket: String?
    let logger: Logger

    /// `nodekeep dump DIRECTORY`, or `nodekeep recover --job DIRECTORY`.
    ///
    /// - Parameter directory: the checkpoints directory that the job is in: all that the process may write to.
    /// - Throws: `AgentError` when the system gives no process.
    func start(_ arguments: [String], job: String, purpose: String, directory: String) throws -> Started {
        if TransientUnit.isPossible {
            do {
                return try startUnit(arguments, job: job, purpose: purpose, directory: directory)
            } catch {
                logger.warning(
                    "systemd does not start a unit for the \(purpose): \(error); it becomes a process of this unit, which would be ended with it",
                    metadata: .of(.checkpointOutsideUnit, ["job": "\(job)"]))
            }
        }
        return .child(try spawn(arguments))
    }

    private func startUnit(
        _ arguments: [String], job: String, purpose: String, directory: String
    ) throws -> Started {
        // systemd knows no /proc/self/exe of ours, so it gets the path. What is there may be a newer version, which
        // reads the same job: until the package manager restarts this agent, too, dumps must outlive that.
        let path = try OwnExecutable.path()
        guard access(path, X_OK) == 0 else {
            throw AgentError("this program is not at its path any more")
        }
        var unit = TransientUnit(
            name: "nodekeep-\(purpose)-\(job).service", description: "nodekeep \(purpose) \(job)",
            command: [path] + arguments)
        unit.words = [
            ("ProtectSystem", "strict"), ("ProtectProc", "default"),
            // Below a hidden directory nothing can be named that is to be written to.
            ("ProtectHome", ServiceConfinement.isHidden([directory, runtimeSocket ?? "/"]) ? "read-only" : "yes"),
            ("SyslogIdentifier", "nodekeep"),
        ]
        unit.flags = [
            ("NoNewPrivileges", true), ("PrivateDevices", true), ("PrivateNetwork", true),
            ("ProtectKernelModules", true), ("ProtectKernelTunables", true), ("ProtectClock", true),
            ("RestrictSUIDSGID", true), ("RestrictRealtime", true), ("LockPersonality", true),
        ]
        unit.numbers = [("CapabilityBoundingSet", 0)]
        unit.lists = [("ReadWritePaths", [directory])]
        try unit.start()
        return .unit(unit.name)
    }

    /// A child in a session of its own, with an empty environment but for what its log needs.
    private func spawn(_ arguments: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var every = sigset_t()
        sigfillset(&every)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | Self.setSession))
        var environment: [String] = []
        if let stream = getenv("JOURNAL_STREAM") { environment.append("JOURNAL_STREAM=\(String(cString: stream))") }
        var processID: pid_t = 0
        let code = Self.withCStrings(["nodekeep"] + arguments) { arguments in
            Self.withCStrings(environment) { environment in
                posix_spawn(&processID, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw AgentError("start", "nodekeep \(arguments.joined(separator: " "))", code: code) }
        return processID
    }

    /// POSIX_SPAWN_SETSID of <spawn.h>, which Swift's Glibc module leaves out.
    private static let setSession: Int32 = 0x80

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            // Never empty: it ends with nil.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}
