// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// What `info["info"]` of a verbose ContainerStatus says; containerd and CRI-O have these keys in common.
struct ContainerInformation {
    var processID: Int32?
    var cgroupsPath: String?

    init(json: String?) {
        guard let keys = json.flatMap({ decode(Keys.self, $0) }) else { return }
        processID = keys.pid?.value.flatMap { $0 > 0 ? $0 : nil }
        cgroupsPath = keys.runtimeSpec?.value?.linux?.value?.cgroupsPath?.value.map { $0.bounded() }
    }

    private struct Keys: Decodable {
        var pid: Lenient<Int32>?
        var runtimeSpec: Lenient<RuntimeSpecification>?
    }

    private struct RuntimeSpecification: Decodable {
        var linux: Lenient<Linux>?
    }

    private struct Linux: Decodable {
        var cgroupsPath: Lenient<String>?
    }
}

/// The keys of containerd's configuration that a verbose Status tells; nil: that release does not say.
package struct ContainerdConfiguration: Equatable, Sendable {
    /// Whether the configuration allows checkpoints (2.2.7, 2.3.4, 2.4 and later).
    package var enablesCRIU: Bool?
    /// Where CRI keeps the containers' files (`rootDir`), among them a running checkpoint's.
    package var rootDirectory: String?
    package var stateDirectory: String?
    /// containerd's own root, with the content store.
    package var containerdRoot: String?

    package init(
        enablesCRIU: Bool? = nil, rootDirectory: String? = nil, stateDirectory: String? = nil,
        containerdRoot: String? = nil
    ) {
        self.enablesCRIU = enablesCRIU
        self.rootDirectory = rootDirectory
        self.stateDirectory = stateDirectory
        self.containerdRoot = containerdRoot
    }
}

extension RuntimeStatus {
    private struct Keys: Decodable {
        var enableCRIU: Lenient<Bool>?
        var rootDir: Lenient<String>?
        var stateDir: Lenient<String>?
        var containerdRootDir: Lenient<String>?
        var crio: Lenient<CRIO>?
    }

    private struct CRIO: Decodable {
        var enable: Lenient<Bool>?

        enum CodingKeys: String, CodingKey {
            case enable = "EnableCriuSupport"
        }
    }

    private var configuration: Keys? { info["config"].flatMap { decode(Keys.self, $0) } }

    /// nil: the answer was not a verbose one, or not containerd's.
    package var containerdConfiguration: ContainerdConfiguration? {
        guard let keys = configuration, keys.rootDir != nil || keys.containerdRootDir != nil else { return nil }
        return ContainerdConfiguration(
            enablesCRIU: keys.enableCRIU?.value, rootDirectory: keys.rootDir?.value?.bounded(),
            stateDirectory: keys.stateDir?.value?.bounded(), containerdRoot: keys.containerdRootDir?.value?.bounded())
    }

    /// CRI-O up to 1.36: whether it checkpoints, which takes a criu that it found when it started. nil: it does not say.
    package var crioEnablesCRIU: Bool? { configuration?.crio?.value?.enable?.value }
}

/// A value that may be of any type: of the wrong one, it is not there.
private struct Lenient<Value: Decodable>: Decodable {
    var value: Value?

    init(from decoder: any Decoder) {
        value = try? Value(from: decoder)
    }
}

private func decode<Value: Decodable>(_: Value.Type, _ text: String) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
}
