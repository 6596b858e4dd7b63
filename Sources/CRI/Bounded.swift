// SPDX-License-Identifier: Apache-2.0

extension String {
    /// No name, path or label of a container is longer than PATH_MAX.
    static let nameLimit = 4_096

    /// This text, cut to so many bytes of UTF-8 between two characters.
    func bounded(to limit: Int = nameLimit) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end > startIndex, utf8[end] & 0b1100_0000 == 0b1000_0000 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

extension [String: String] {
    func bounded() -> [String: String] {
        guard contains(where: { $0.utf8.count > String.nameLimit || $1.utf8.count > String.nameLimit }) else {
            return self
        }
        return [String: String](map { ($0.bounded(), $1.bounded()) }) { first, _ in first }
    }
}
