// SPDX-License-Identifier: Apache-2.0

/// `Accept-Encoding` (RFC 9110 section 12.5.3), as far as gzip is concerned.
package enum AcceptEncoding {
    /// Whether gzip is acceptable: named, or covered by `*`, with a weight above zero.
    package static func acceptsGzip(_ value: String?) -> Bool {
        var wildcard = false
        for item in (value ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { trimmed($0) }
            guard let coding = parts.first?.lowercased() else { continue }
            let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }.map { $0.dropFirst(2) }
            let isRefused = weight.map { !$0.isEmpty && $0.allSatisfy { $0 == "0" || $0 == "." } } ?? false
            switch coding {
            case "gzip", "x-gzip": return !isRefused
            case "*": wildcard = !isRefused
            default: continue
            }
        }
        return wildcard
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var result = text.drop { $0 == " " || $0 == "\t" }
        while result.last == " " || result.last == "\t" { result.removeLast() }
        return result
    }
}
