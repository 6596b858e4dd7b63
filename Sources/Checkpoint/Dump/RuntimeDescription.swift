// SPDX-License-Identifier: Apache-2.0

/// What a runtime can do besides CRI.
package enum RuntimeKind: String, Sendable, CaseIterable {
    /// Tells the state of a task, pauses and resumes it, and has events of that. Pauses the task itself for a dump and
    /// can leave it paused when the call is lost.
    case containerd
    /// Thaws over HTTP. Finishes a dump whether or not anybody waits for it, and thaws at its end.
    case crio
    /// CRI and nothing else.
    case other
}

/// Which runtime it is and where it keeps things, as it said when it was asked.
package struct RuntimeDescription: Codable, Equatable, Sendable {
    /// `containerd`, `cri-o`, `docker`.
    package var name: String
    package var version: String
    /// containerd: the CRI plugin's `rootDir`, which holds `containers/<id>`; nil: not said.
    package var rootDirectory: String?
    /// containerd's own `state` directory, which holds the bundles of its tasks; nil: not said.
    package var stateDirectory: String?

    package init(name: String, version: String, rootDirectory: String? = nil, stateDirectory: String? = nil) {
        self.name = name
        self.version = version
        self.rootDirectory = rootDirectory
        self.stateDirectory = stateDirectory
    }

    package var kind: RuntimeKind {
        switch name {
        case "containerd": .containerd
        case "cri-o": .crio
        default: .other
        }
    }

    /// `containerd v2.1.9`
    package var text: String { version.isEmpty ? name : "\(name) \(version)" }
}

/// A process that no later one of the same number is taken for.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    package var id: Int32
    /// Field 22 of /proc/<pid>/stat: clock ticks from boot to its start.
    package var startTime: UInt64

    package init(id: Int32, startTime: UInt64) {
        self.id = id
        self.startTime = startTime
    }
}
