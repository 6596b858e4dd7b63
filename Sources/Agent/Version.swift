// SPDX-License-Identifier: Apache-2.0

/// The version of this program.
package enum Version {
    package static let current = "0.1.0"

    /// What `nodeInfo.kubeletVersion` says unless it is configured: a semantic version, as the API server wants one, that
    /// nobody can take for a kubelet's.
    package static let asKubelet = "v\(current)+nodekeep"
}
