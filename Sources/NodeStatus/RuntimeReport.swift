// SPDX-License-Identifier: Apache-2.0

/// What the container runtime says of itself and of what runs in it. Each part was asked for on its own, has the time
/// of its answer, and fails alone.
package struct RuntimeReport: Equatable, Sendable {
    /// Whether the runtime answers: the outcome of the last Status.
    package enum Contact: Equatable, Sendable {
        case notYetAsked
        case answers
        /// Why not, worded for an operator, without numbers that change.
        case fails(String)
    }

    /// VersionResponse.
    package struct Version: Equatable, Sendable {
        /// As the runtime has it: `v2.1.9`.
        package let version: String
        package let apiVersion: String
        /// As a kubelet renders it; nil: it would not understand it.
        package let rendered: String?

        package init(version: String, apiVersion: String) {
            self.version = version
            self.apiVersion = apiVersion
            rendered = RuntimeVersionText.render(version)
        }
    }

    /// RuntimeCondition: `RuntimeReady`, `NetworkReady`, and what a runtime adds to them.
    package struct Condition: Equatable, Sendable {
        package var type: String
        package var isTrue: Bool
        package var reason: String
        package var message: String

        package init(type: String, isTrue: Bool, reason: String, message: String) {
            self.type = type
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    /// RuntimeHandler; the default handler has no name.
    package struct Handler: Equatable, Sendable {
        package var name: String
        package var recursiveReadOnlyMounts: Bool
        package var userNamespaces: Bool

        package init(name: String, recursiveReadOnlyMounts: Bool, userNamespaces: Bool) {
            self.name = name
            self.recursiveReadOnlyMounts = recursiveReadOnlyMounts
            self.userNamespaces = userNamespaces
        }
    }

    /// Image, as far as a node's status has it.
    package struct Image: Equatable, Sendable {
        package var id: String
        /// Digests, then tags.
        package var names: [String]
        /// Bytes.
        package var size: UInt64

        package init(id: String, names: [String], size: UInt64) {
            self.id = id
            self.names = names
            self.size = size
        }
    }

    /// Whether CheckpointContainer works.
    package enum CheckpointSupport: Equatable, Sendable {
        case supported
        /// Why not, in the runtime's own words.
        case unsupported(String)
        /// Why nobody knows.
        case unknown(String)
    }

    /// How one of the runtime's operations has fared since the agent started.
    package struct Calls: Equatable, Sendable {
        /// As in the kubelet's `operation_type`: `version`, `list_images`.
        package var operation: String
        package var count: UInt64 = 0
        package var errors: UInt64 = 0
        /// All calls together.
        package var seconds: Double = 0

        package init(operation: String) {
            self.operation = operation
        }
    }

    /// `unix:///run/containerd/containerd.sock`.
    package var endpoint: String
    package var contact: Contact = .notYetAsked
    /// Since when it answers, or does not.
    package var contactSince: Timestamp?
    /// `containerd`, `cri-o`, `docker`; nil before the first answer. Stays when later calls fail, as the kubelet's does.
    package var name: String?
    package var version: Reading<Version> = .notYetRead
    /// Of the last Status; missing when that failed.
    package var conditions: Reading<[Condition]> = .notYetRead
    /// Of the last Status of a runtime that was ready, sorted by name; these and the next stay when later calls fail, as
    /// the kubelet's do.
    package var handlers: [Handler] = []
    /// Nil: the runtime says nothing of its features.
    package var supplementalGroupsPolicy: Bool?
    /// Of the last list that was had: largest first, then by identifier backwards.
    package var images: Reading<[Image]> = .notYetRead
    /// Mount points of the images' file systems, of which a kubelet looks at the first; of the last answer that was had.
    package var imageFileSystems: Reading<[String]> = .notYetRead
    /// `systemd` or `cgroupfs`.
    package var cgroupDriver: Reading<String> = .notYetRead
    package var checkpoint: CheckpointSupport = .unknown("not asked yet")
    /// What the containers use: only while somebody wants to know.
    package var usage: Reading<RuntimeUsage> = .notYetRead
    /// Sorted by operation.
    package var calls: [Calls] = []
    /// How its parts fare, as the collector tells of its sources; sorted by name.
    package var sources: [SourceReport] = []

    package init(endpoint: String) {
        self.endpoint = endpoint
    }

    /// A handful of names for each image are enough (MaxNamesPerImageInNodeStatus).
    package static let namesPerImage = 5
}

extension RuntimeReport.Image {
    /// The kubelet's order (pkg/kubelet/util/sliceutils ByImageSize).
    package static func sorted(_ images: [Self]) -> [Self] {
        images.sorted { ($0.size, $0.id) > ($1.size, $1.id) }
    }
}

extension RuntimeReport.Condition {
    package static let runtimeReady = "RuntimeReady"
    package static let networkReady = "NetworkReady"

    /// As the kubelet prints it (pkg/kubelet/container RuntimeCondition.String).
    var words: String { "\(type)=\(isTrue) reason:\(reason) message:\(message)" }
}
