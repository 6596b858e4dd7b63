// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging

extension ThawEnd {
    /// Whoever was told that a container may stand still is told how that ended.
    func log(_ containerID: String, to logger: Logger) {
        logger.notice(
            "container \(containerID): \(state), \(how)",
            metadata: .of(
                .containerThawed, ["container_id": "\(containerID)", "state": "\(state)", "how": "\(how)"]))
    }
}
