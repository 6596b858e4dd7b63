// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// The file name of a published archive: `checkpoint-<pod>_<namespace>-<container>-<RFC 3339>.tar`, in UTC with nine
/// fractional digits: a kubelet's name has none, so that the two never meet.
package struct ArchiveName: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let pod: String
    package let container: String
    package let time: Timestamp

    /// What a file name may be long on Linux (NAME_MAX), in bytes.
    package static let limit = 255

    /// - Throws: ``ArchiveNameRefusal`` for what is no Kubernetes name, or where the file name is longer than 255 bytes.
    package init(
        namespace: String, pod: String, container: String, time: Timestamp
    ) throws(ArchiveNameRefusal) {
        if let problem = LabelSyntax.subdomainProblem(pod) { throw .init("the pod's name", pod, problem) }
        if let problem = Self.labelProblem(namespace) { throw .init("the namespace", namespace, problem) }
        if let problem = Self.labelProblem(container) { throw .init("the container's name", container, problem) }
        guard (0...253_402_300_799).contains(time.seconds), (0..<1_000_000_000).contains(time.nanoseconds) else {
            throw ArchiveNameRefusal("the clock is not between the years 1970 and 9999; set it")
        }
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.time = time
        let length = fileName.utf8.count
        guard length <= Self.limit else {
            throw ArchiveNameRefusal(
                "the archive's file name would be \(length) bytes long, and a file name can have \(Self.limit): "
                    + "pod, namespace and container name together may have "
                    + "\(Self.limit - (length - pod.utf8.count - namespace.utf8.count - container.utf8.count)) bytes")
        }
    }

    package var fileName: String { "checkpoint-\(pod)_\(namespace)-\(container)-\(time.rfc3339Nano).tar" }

    package var description: String { fileName }

    /// The next name: one nanosecond later.
    package func bumped() throws(ArchiveNameRefusal) -> ArchiveName {
        let isLast = time.nanoseconds == 999_999_999
        let next = Timestamp(
            seconds: isLast ? time.seconds + 1 : time.seconds, nanoseconds: isLast ? 0 : time.nanoseconds + 1)
        return try ArchiveName(namespace: namespace, pod: pod, container: container, time: next)
    }

    /// A DNS-1123 label: a subdomain of one part, up to 63 bytes.
    private static func labelProblem(_ text: String) -> String? {
        if text.utf8.count > 63 { return "is longer than 63 characters" }
        if let problem = LabelSyntax.subdomainProblem(text) {
            return text.isEmpty
                ? problem
                : "is not a DNS-1123 label (lower-case letters, digits and '-', a letter or digit at both ends)"
        }
        return text.utf8.contains(UInt8(ascii: "."))
            ? "is not a DNS-1123 label (lower-case letters, digits and '-', a letter or digit at both ends)" : nil
    }
}

/// Why an archive cannot have a name.
package struct ArchiveNameRefusal: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    init(_ what: String, _ text: String, _ problem: String) {
        // SyntaxError cuts what is very long.
        description =
            "\(what): " + SyntaxError(text, isNot: "a name that Kubernetes has", problem: "it \(problem)").description
    }
}
