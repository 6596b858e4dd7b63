// SPDX-License-Identifier: Apache-2.0

import NodeStatus

extension Configuration {
    /// Directories and the socket.
    mutating func resolvePlaces(_ reader: ValueReader, _ sources: ConfigurationSources) {
        let flags = sources.flags
        let path = { (text: String, origin: Origin) in Paths.judge(text, origin, reader.findings) }
        rootDirectory = reader.either(flag: "--root-dir", flags.rootDir, file: "rootDir", path) ?? rootDirectory

        let state = reader.either(flag: "--state-dir", flags.stateDir, file: "stateDir", path)
        if let directory = state ?? (sources.isRoot ? stateDirectory : Paths.userState(sources.environment)) {
            stateDirectory = directory
        } else if flags.stateDir == nil {
            reader.findings.refuse(
                .flag("--state-dir"), nil,
                "needed: this is not root, and neither XDG_STATE_HOME nor HOME is set to an absolute path")
        }

        let run = reader.either(flag: "--run-dir", flags.runDir, file: "runDir", path)
        runDirectory =
            run ?? (sources.isRoot ? runDirectory : Paths.userRuntime(sources.environment) ?? stateDirectory + "/run")

        let socket = reader.either(flag: "--socket", flags.socket, file: "socket") { text, origin in
            Paths.judge(text, origin, reader.findings).flatMap { path in
                if path.utf8.count <= Limits.socketPath { return path }
                reader.findings.refuse(
                    origin, text, "at most \(Limits.socketPath) bytes, which is all a socket's path can have")
                return nil
            }
        }
        socketPath = socket ?? Paths.join(runDirectory, "nodekeep.sock")
        if socket == nil, socketPath.utf8.count > Limits.socketPath {
            reader.findings.refuse(
                .flag("--socket"), nil,
                "needed: \(quoted(socketPath)) is longer than the \(Limits.socketPath) bytes of a socket's path")
        }
    }

    mutating func resolveListeners(_ reader: ValueReader, _ flags: FlagValues) {
        let findings = reader.findings
        let local = reader.either(flag: "--local-address", flags.localAddress, file: "localAddress") { text, origin in
            if let address = IPAddress(text), address.isLoopback { return address }
            findings.refuse(
                origin, text, "a loopback address, such as 127.0.0.1 or ::1: this listener asks nobody who they are")
            return nil
        }
        localAddress = local ?? localAddress
        let localPorts = [
            reader.integer(flag: "--local-port", flags.localPort, .portOrOff), reader.int("localPort", .portOrOff),
        ]
        localPort = localPorts.compactMap { $0 }.first.map { UInt16(clamping: $0) } ?? localPort

        if let (text, origin) = reader.text("address"), !text.isEmpty {
            if let given = IPAddress(text) {
                address = given
            } else {
                findings.refuse(origin, text, "an IPv4 or IPv6 address, such as 0.0.0.0 or ::")
            }
        }
        port = reader.int("port", .port).map { UInt16(clamping: $0) } ?? port
        node.kubeletEndpointPort = Int32(port)
        if port == localPort {
            let origin = reader.find("port")?.origin ?? reader.find("localPort")?.origin ?? .flag("--local-port")
            findings.refuse(origin, String(port), "port and localPort must differ")
        }
        let levels = [
            reader.integer(flag: "--v", flags.v, .int(0...10)), reader.int("logging.verbosity", .int(0...10)),
        ]
        verbosity = levels.compactMap { $0 }.first.map { Int($0) } ?? verbosity
    }

    /// The runtime's socket, and from it where its images are.
    mutating func resolveRuntime(_ reader: ValueReader, _ sources: ConfigurationSources) {
        let given = reader.either(
            flag: "--container-runtime-endpoint", sources.flags.containerRuntimeEndpoint,
            file: "containerRuntimeEndpoint"
        ) { text, origin in
            text.isEmpty ? nil : Paths.judgeEndpoint(text, origin, reader.findings)
        }
        let found = ContainerRuntime.allCases.map(\.defaultSocket).first(where: sources.exists)
        let socket = given ?? found
        containerRuntimeEndpoint = socket.map { "unix://" + $0 }
        node.runtimeConfigured = socket != nil
        imageDirectory = socket.flatMap { ContainerRuntime(socket: $0) }?.imageDirectory ?? rootDirectory
    }
}

/// Paths as text: nothing here looks at the file system.
package enum Paths {
    /// An absolute path without its superfluous slashes; nil and a problem for anything else.
    static func judge(_ text: String, _ origin: Origin, _ findings: Findings) -> String? {
        guard let path = normalized(text) else {
            findings.refuse(
                origin, text,
                "an absolute path of at most \(Limits.path) bytes, without \".\", \"..\" and control characters")
            return nil
        }
        return path
    }

    /// `unix:///run/x.sock` or `/run/x.sock`, as a path.
    static func judgeEndpoint(_ text: String, _ origin: Origin, _ findings: Findings) -> String? {
        let path = text.hasPrefix("unix://") ? String(text.dropFirst("unix://".count)) : text
        guard let socket = normalized(path), socket != "/", socket.utf8.count <= Limits.socketPath else {
            findings.refuse(
                origin, text,
                "unix:// and the absolute path of a socket (at most \(Limits.socketPath) bytes), or that path alone")
            return nil
        }
        return socket
    }

    static func join(_ directory: String, _ name: String) -> String {
        directory == "/" ? "/" + name : directory + "/" + name
    }

    /// The directory itself is, too.
    package static func isBelow(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(join(directory, ""))
    }

    /// After the XDG base directory specification, which has relative paths ignored.
    static func userState(_ environment: [String: String]) -> String? {
        if let home = environment["XDG_STATE_HOME"].flatMap(normalized) { return join(home, "nodekeep") }
        return environment["HOME"].flatMap(normalized).map { join($0, ".local/state/nodekeep") }
    }

    static func userRuntime(_ environment: [String: String]) -> String? {
        environment["XDG_RUNTIME_DIR"].flatMap(normalized).map { join($0, "nodekeep") }
    }

    private static func normalized(_ text: String) -> String? {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= Limits.path,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
        else { return nil }
        let parts = text.split(separator: "/")
        if parts.contains(where: { $0 == "." || $0 == ".." || $0.utf8.count > 255 }) { return nil }
        return "/" + parts.joined(separator: "/")
    }
}
