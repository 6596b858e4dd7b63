// SPDX-License-Identifier: Apache-2.0
internal import Configuration

/// What the packaged service (packaging/nodekeep.service) lets the agent write and see, and what a configuration needs
/// beyond that.
enum ServiceConfinement {
    /// `StateDirectory=`, `RuntimeDirectory=` and `ReadWritePaths=` of the unit.
    private static let writable = ["/var/lib/nodekeep", "/run/nodekeep", "/var/lib/kubelet/checkpoints"]
    /// `ReadOnlyPaths=`. Of two lines about one path the stricter holds, whichever comes last.
    private static let readOnly = ["/etc/nodekeep", "/run"]
    /// What `ProtectHome=yes` hides (systemd.exec(5)).
    private static let hidden = ["/home", "/root", "/run/user"]

    /// The lines of the drop-in that the service needs for this configuration; nil: none.
    static func dropIn(for configuration: Configuration) -> [String]? {
        let written = written(by: configuration)
        var outside = written.filter { path in !writable.contains { Paths.isBelow(path, $0) } }
        // What is below /run is gone after a boot: systemd has to make it, as it makes the unit's own.
        let run = [configuration.runDirectory, directory(of: configuration.socketPath)].filter {
            outside.contains($0) && $0.hasPrefix("/run/") && !hidden.contains($0)
        }
        outside.removeAll(where: run.contains)
        let isHidden = isHidden(written + read(by: configuration))
        guard isHidden || !outside.isEmpty || !run.isEmpty else { return nil }
        var lines = ["[Service]"]
        // Seen, and not written to but for what is named.
        if isHidden { lines.append("ProtectHome=read-only") }
        if readOnly.contains(where: outside.contains) {
            lines.append("ReadOnlyPaths=")
            lines += readOnly.filter { !outside.contains($0) }.map { "ReadOnlyPaths=\($0)" }
        }
        var seen: Set<String> = []
        lines += run.filter { seen.insert($0).inserted }.map { "RuntimeDirectory=\(quoted(String($0.dropFirst(5))))" }
        lines += outside.filter { seen.insert($0).inserted }.map { "ReadWritePaths=\(quoted($0))" }
        return lines + tmpfiles(for: outside)
    }

    /// Of the same directories after a boot, as comments: systemd.exec(5) has no word for them.
    private static func tmpfiles(for outside: [String]) -> [String] {
        let gone = outside.filter { $0.hasPrefix("/run/") }
        guard !gone.isEmpty else { return [] }
        return ["# and in a file in /etc/tmpfiles.d, because /run is empty after a boot:"]
            + gone.map { "# d \($0) 0700 root root" }
    }

    /// Whether one of the paths is where `ProtectHome=yes` hides it.
    static func isHidden(_ paths: [String]) -> Bool {
        paths.contains { path in hidden.contains { Paths.isBelow(path, $0) } }
    }

    private static func written(by configuration: Configuration) -> [String] {
        var paths = [configuration.stateDirectory, configuration.runDirectory, directory(of: configuration.socketPath)]
        if configuration.checkpointsEnabled { paths.append(configuration.checkpointDirectory) }
        // Written once the certificate is there.
        if configuration.cluster.bootstrapKubeconfig != nil, let path = configuration.access.kubeconfig {
            paths.append(directory(of: path))
        }
        return paths
    }

    private static func read(by configuration: Configuration) -> [String] {
        let (access, tls) = (configuration.access, configuration.tls)
        let files = [
            access.clientCAFile, access.tokenFile, access.tokenAuthFile, access.policyFile, access.kubeconfig,
            configuration.cluster.bootstrapKubeconfig, tls.certFile, tls.privateKeyFile,
            configuration.containerRuntimeSocket,
        ]
        return files.compactMap(\.self) + [configuration.rootDirectory]
    }

    private static func directory(of path: String) -> String {
        let directory = path.split(separator: "/").dropLast().joined(separator: "/")
        return "/" + directory
    }

    /// As a unit file has it: systemd.syntax(7), systemd.unit(5) on specifiers.
    private static func quoted(_ path: String) -> String {
        var text = ""
        var needsQuotes = false
        for scalar in path.unicodeScalars {
            switch scalar {
            case "%": text += "%%"
            case "\"", "\\": text += "\\\(scalar)"
            default: text.unicodeScalars.append(scalar)
            }
            needsQuotes = needsQuotes || scalar == " " || scalar == "\"" || scalar == "\\" || scalar == "'"
        }
        return needsQuotes ? "\"\(text)\"" : text
    }
}
