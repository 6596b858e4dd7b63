// SPDX-License-Identifier: Apache-2.0
package import Logging

extension ContainerIdentity {
    /// Which container, for the log.
    package var logFields: Logger.Metadata {
        ["namespace": "\(namespace)", "pod": "\(pod)", "container": "\(container)", "container_id": "\(containerID)"]
    }
}

extension JobRequest {
    /// Which job, of which container, and for whom.
    package func logFields(job: JobID) -> Logger.Metadata {
        var fields = container.logFields
        fields["job"] = "\(job)"
        fields["user"] = "\(requester.user)"
        fields["from"] = "\(requester.from)"
        return fields
    }
}
