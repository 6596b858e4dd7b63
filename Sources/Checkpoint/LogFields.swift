// SPDX-License-Identifier: Apache-2.0
package import Logging

extension ContainerIdentity {
    /// Which container, for the log.
    package var logFields: Logger.Metadata {
        ["namespace": "\(namespace)", "pod": "\(pod)", "container": "\(container)", "container_id": "\(containerID)"]
    }
}
