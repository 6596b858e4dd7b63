// SPDX-License-Identifier: Apache-2.0

/// The kubelet's `--node-ip` (component-helpers/node/util/ips.go).
package enum NodeIPs {
    /// Parses a list separated by commas: nothing, one address, or one of each family. IPv4 may have leading zeros.
    ///
    /// - Throws: `SyntaxError`. The kubelet ignores an entry that is no address; here it is an error like any other.
    package static func parse(_ text: String) throws(SyntaxError) -> [IPAddress] {
        if text.trimmed.isEmpty { return [] }
        var addresses: [IPAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let address = IPAddress(String(part).trimmed, sloppyIPv4: true) else {
                throw error(text, "\"\(String(part).trimmed)\" is not an IP address")
            }
            addresses.append(address)
        }
        if addresses.count > 2 { throw error(text, "there are more than two") }
        if let first = addresses.first, let second = addresses.dropFirst().first {
            if first.isIPv6 == second.isIPv6 { throw error(text, "both are of one family") }
            if first.isUnspecified || second.isUnspecified {
                throw error(text, "an unspecified address (0.0.0.0, ::) can only stand alone")
            }
        }
        return addresses
    }

    private static func error(_ text: String, _ problem: String) -> SyntaxError {
        SyntaxError(
            text, isNot: "a list of node addresses", problem: problem,
            allowed: "one address, or one IPv4 and one IPv6 address separated by a comma")
    }
}

extension String {
    /// Without white space at either end (Go's strings.TrimSpace).
    var trimmed: String {
        let start = unicodeScalars.firstIndex { !$0.properties.isWhitespace } ?? unicodeScalars.endIndex
        let last = unicodeScalars.lastIndex { !$0.properties.isWhitespace }
        guard let last, start <= last else { return "" }
        return String(unicodeScalars[start...last])
    }
}
