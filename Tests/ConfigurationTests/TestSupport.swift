// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Testing

func resolve(
    _ yaml: String?, flags: FlagValues = FlagValues(), isRoot: Bool = true, environment: [String: String] = [:],
    exists: @escaping (String) -> Bool = { _ in false }
) -> ConfigurationResolution {
    Configuration.resolve(
        ConfigurationSources(
            file: yaml.map { ConfigurationSources.File(path: "n.yaml", bytes: Array($0.utf8)) }, flags: flags,
            isRoot: isRoot, environment: environment, exists: exists))
}

/// The configuration of a file that must have no problems.
func accepted(_ yaml: String?, sourceLocation: SourceLocation = #_sourceLocation) throws -> Configuration {
    let result = resolve(yaml)
    #expect(result.problems.isEmpty, "\(result.problems.map(\.description))", sourceLocation: sourceLocation)
    return try #require(result.configuration, sourceLocation: sourceLocation)
}

let kubelets = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"

/// A file of the package, by its path from the package's directory.
func packageFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(packagePath(path), "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

func packagePath(_ path: String) -> String {
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/" + path
}
