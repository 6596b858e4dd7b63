// SPDX-License-Identifier: Apache-2.0

internal import Gate

/// Whether a `Host` names one of `allowed` (lower case, no port): what keeps a web page in somebody's browser from
/// reading a loopback listener through a name of its own (DNS rebinding).
func isAllowed(host value: some RandomAccessCollection<UInt8>, among allowed: [[UInt8]]) -> Bool {
    guard let name = hostWithoutPort(value.withoutOuterBlanks) else { return false }
    if allowed.contains(where: { $0.count == name.count && $0.elementsEqual(name.lazy.map(lowered)) }) { return true }
    // The list may name IPv6 addresses without the brackets that a Host has.
    guard name.count > 2, name.first == UInt8(ascii: "[") else { return false }
    let inside = name.dropFirst().dropLast()
    return allowed.contains { $0.count == inside.count && $0.elementsEqual(inside.lazy.map(lowered)) }
}

/// Cuts the port: `name`, `name:1`, `1.2.3.4:1`, `[::1]` and `[::1]:1`. Nil for anything else, such as a bare `::1`.
private func hostWithoutPort<Text: RandomAccessCollection<UInt8>>(_ value: Text) -> Text.SubSequence? {
    let colon = UInt8(ascii: ":")
    let end: Text.Index
    if value.first == UInt8(ascii: "[") {
        guard let bracket = value.firstIndex(of: UInt8(ascii: "]")) else { return nil }
        end = value.index(after: bracket)
    } else {
        end = value.firstIndex(of: colon) ?? value.endIndex
    }
    let name = value[..<end]
    let rest = value[end...]
    guard !name.isEmpty else { return nil }
    guard
        rest.isEmpty
            || (rest.first == colon && rest.dropFirst().allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains))
    else { return nil }
    return name
}
