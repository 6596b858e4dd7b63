// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

extension Report {
    /// The container runtime: whether it answers, what it is, and what it can do. What a node's status has of it (images,
    /// handlers, features) is in `status`.
    struct Runtime: Encodable {
        struct Condition: Encodable {
            var type: String
            var status: Bool
            var reason: String
            var message: String
        }

        struct ImageFileSystem: Encodable {
            /// Where the runtime says that its images are.
            var mountPoint: String
            /// Why something else is measured.
            var problem: String?
        }

        struct Checkpoint: Encodable {
            /// Nil: nobody knows. A null in the page, so that nobody takes it for an older release.
            var supported: Bool?
            /// Why not, or why nobody knows.
            var reason: String?

            private enum CodingKeys: String, CodingKey { case supported, reason }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(supported, forKey: .supported)
                try container.encodeIfPresent(reason, forKey: .reason)
            }
        }

        static let none = "no container runtime is configured"

        var endpoint: String?
        var answers: Bool
        /// Since when it does, or does not.
        var since: Timestamp?
        var problem: String?
        var name: String?
        var version: String?
        var apiVersion: String?
        var conditions: OrError<[Condition]>?
        var cgroupDriver: String?
        var imageFileSystem: ImageFileSystem?
        var imageCount: Int?
        var checkpoint: Checkpoint

        init(_ snapshot: NodeSnapshot) {
            answers = snapshot.runtime?.contact == .answers
            guard let report = snapshot.runtime else {
                problem = Self.none
                checkpoint = Checkpoint(supported: false, reason: Self.none)
                return
            }
            endpoint = report.endpoint
            since = report.contactSince
            problem = RuntimeWords.problem(report)
            name = report.name
            version = report.version.value?.version
            apiVersion = report.version.value?.apiVersion
            conditions = OrError(report.conditions) { conditions in
                conditions.map {
                    Condition(type: $0.type, status: $0.isTrue, reason: $0.reason, message: $0.message)
                }
            }
            cgroupDriver = report.cgroupDriver.value
            imageFileSystem = report.imageFileSystems.value?.first.map {
                ImageFileSystem(mountPoint: $0, problem: RuntimeWords.imageProblem(snapshot))
            }
            imageCount = report.images.value?.count
            checkpoint =
                switch report.checkpoint {
                case .supported: Checkpoint(supported: true)
                case .unsupported(let reason): Checkpoint(supported: false, reason: reason)
                case .unknown(let reason): Checkpoint(reason: reason)
                }
        }
    }
}

/// What `/status` and the page for people say alike.
enum RuntimeWords {
    static func problem(_ report: RuntimeReport) -> String? {
        switch report.contact {
        case .notYetAsked: "it has not been asked yet"
        case .answers: nil
        case .fails(let problem): problem
        }
    }

    /// Why the imagefs is not where the runtime says that its images are; nil: it is.
    static func imageProblem(_ snapshot: NodeSnapshot) -> String? {
        guard let said = snapshot.runtime?.imageFileSystems.value?.first,
            said == snapshot.missingImageDirectory
        else { return nil }
        let measured = snapshot.imageFileSystem.value.map { "; \($0.path) is measured instead" } ?? ""
        return "it is not in this mount namespace" + measured
    }
}
