// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// An API server's `https` URL, taken apart.
package struct ServerAddress: Equatable, Sendable, CustomStringConvertible {
    /// Lower case; an IPv6 address without its brackets.
    package let host: String
    package let port: Int
    /// `""`, or `/k8s/clusters/c-1`: without a slash at its end.
    package let prefix: String

    /// The host is no name but an IP address.
    package var isIPAddress: Bool { IPAddress(host) != nil }

    /// As in a URL and in `Host`: `[::1]:6443`.
    package var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    package var description: String { "https://\(authority)\(prefix)" }

    /// What is wrong with the text, for a message that names the field.
    struct Problem: Error, Equatable {
        let explanation: String
    }

    init(_ text: String) throws(Problem) {
        let url = try URLParts(text)
        guard url.scheme == "https" else {
            let explanation =
                url.scheme == "http"
                ? "http:// would send credentials in clear; give the API server's https:// address"
                : "an https:// address of the API server belongs here"
            throw Problem(explanation: explanation)
        }
        guard url.userInfo == nil else {
            throw Problem(explanation: "a user in the address is not supported; credentials belong under users")
        }
        host = url.host
        port = url.port ?? 443
        prefix = url.path
    }

    /// From the environment of a pod.
    init(host: String, port: String) throws(Problem) {
        try self.init("https://" + (host.contains(":") ? "[\(host)]" : host) + ":" + port)
    }
}

/// A `proxy-url`: an HTTP proxy that is asked to CONNECT.
package struct ProxyAddress: Equatable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int
    /// `user:password` as Basic authentication sends it.
    package let credentials: Secret?

    package var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    package var description: String { "http://\(authority)" }

    init(_ text: String) throws(ServerAddress.Problem) {
        let url = try URLParts(text)
        guard url.scheme == "http" else {
            throw ServerAddress.Problem(
                explanation: "only proxies with http:// are supported (they are asked to CONNECT; what goes through is "
                    + "TLS all the same), not \(ForeignText.line(url.scheme, limit: 16))://")
        }
        guard url.path.isEmpty else {
            throw ServerAddress.Problem(explanation: "a proxy's address has no path")
        }
        host = url.host
        port = url.port ?? 80
        credentials = url.userInfo.map { Secret($0.contains(":") ? $0 : $0 + ":") }
    }
}

/// As much of RFC 3986 as a server's address needs, and nothing that two parsers could read in two ways.
private struct URLParts {
    let scheme: String
    let userInfo: String?
    let host: String
    let port: Int?
    let path: String

    init(_ text: String) throws(ServerAddress.Problem) {
        func fail(_ explanation: String) -> ServerAddress.Problem { ServerAddress.Problem(explanation: explanation) }
        guard text.utf8.count <= 2_048 else { throw fail("an address of more than 2048 bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw fail("blanks and characters outside ASCII have no place in an address")
        }
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { throw fail("no address: it begins with https://") }
        scheme = parts[0].lowercased()
        guard !parts[1].contains(where: { $0 == "?" || $0 == "#" || $0 == "\\" }) else {
            throw fail("an address without query and fragment belongs here")
        }
        let slash = parts[1].firstIndex(of: "/") ?? parts[1].endIndex
        var authority = parts[1][..<slash]
        var path = parts[1][slash...]
        while path.last == "/" { path = path.dropLast() }
        guard path.utf8.allSatisfy(KubeRequest.isOfPath), !path.split(separator: "/").contains(where: Self.isDots)
        else {
            throw fail("a path that has more in it than letters, digits and -._~")
        }
        self.path = String(path)

        if let at = authority.lastIndex(of: "@") {
            userInfo = try Self.percentDecoded(authority[..<at])
            authority = authority[authority.index(after: at)...]
        } else {
            userInfo = nil
        }
        let host: Substring
        let rest: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw fail("an IPv6 address without its ]") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
            guard let address = IPAddress(String(host)), address.isIPv6 else {
                throw fail("what is in [ ] is no IPv6 address")
            }
        } else {
            let colon = authority.firstIndex(of: ":") ?? authority.endIndex
            (host, rest) = (authority[..<colon], authority[colon...])
            guard Self.isHostName(host) else { throw fail("the host is neither a name nor an address") }
        }
        self.host = host.lowercased()
        guard rest.isEmpty || rest.first == ":" else { throw fail("after the host only :PORT may follow") }
        if rest.count > 1 {
            guard rest.utf8.count <= 6, rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(rest.dropFirst()), (1...65_535).contains(number)
            else { throw fail("the port must be a number from 1 to 65535") }
            port = number
        } else {
            port = nil
        }
    }

    private static func isDots(_ segment: Substring) -> Bool { segment == "." || segment == ".." }

    /// Something of dots and digits alone is an address or a mistake.
    static func isHostName(_ text: Substring) -> Bool {
        guard DNSName.isValid(String(text)) else { return false }
        guard let last = text.split(separator: ".").last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return true
        }
        return IPAddress(String(text)) != nil
    }

    private static func percentDecoded(_ text: Substring) throws(ServerAddress.Problem) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else {
                throw ServerAddress.Problem(
                    explanation: "a % in the user that is not followed by two hexadecimal digits")
            }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw ServerAddress.Problem(explanation: "a user that is not UTF-8")
        }
        return decoded
    }
}

enum DNSName {
    /// Letters, digits, hyphens and underscores between dots, in 253 bytes.
    static func isValid(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63
                    && label.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                            true
                        default: false
                        }
                    }
            }
    }
}
