// SPDX-License-Identifier: Apache-2.0

/// The name of a namespace, pod or container in a policy rule: exact, or with `*` as its last character.
enum NamePattern: Hashable, Sendable {
    case exact(String)
    case prefix(String)

    /// - Returns: nil for what can be no Kubernetes name, and so would never match.
    init?(_ text: String) {
        let isPrefix = text.hasSuffix("*")
        let name = isPrefix ? String(text.dropLast()) : text
        let isName = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        guard isName, isPrefix || !name.isEmpty, name.utf8.count <= 253 else { return nil }
        self = isPrefix ? .prefix(name) : .exact(name)
    }

    func matches(_ name: String) -> Bool {
        switch self {
        // By bytes: two texts that Unicode holds for the same are two names.
        case .exact(let exact): exact.utf8.elementsEqual(name.utf8)
        case .prefix(let prefix): name.utf8.starts(with: prefix.utf8)
        }
    }

    var text: String {
        switch self {
        case .exact(let name): name
        case .prefix(let name): name + "*"
        }
    }
}
