// SPDX-License-Identifier: Apache-2.0
internal import Configuration
internal import Glibc
internal import NodeStatus

extension Configuration {
    /// The node's name as the API server knows it: that of the configuration, or the machine's at this moment.
    var nodeName: String {
        if !node.hostnameOverride.isEmpty { return node.hostnameOverride }
        var names = utsname()
        uname(&names)
        let bytes = withUnsafeBytes(of: &names.nodename) { $0.prefix { $0 != 0 }.map(\.self) }
        return NodeName.normalized(String(decoding: bytes, as: UTF8.self))
    }
}
