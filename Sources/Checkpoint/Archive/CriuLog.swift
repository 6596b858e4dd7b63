// SPDX-License-Identifier: Apache-2.0

/// What is worth keeping of a `criu-dump.log`.
package enum CriuLog {
    private static let lineLimit = 20
    private static let lengthLimit = 300

    /// The last lines, at most 20, each of at most 300 bytes, in their order: errors first of all, then what was said
    /// last. What a terminal or a journal would act on is replaced.
    ///
    /// - Parameter bytes: the text or its end; its first line may be half of one.
    package static func lastLines(_ bytes: [UInt8]) -> [String] {
        let lines = bytes.suffix(1 << 20).split(separator: 0x0a).filter { line in
            line.contains { $0 > 0x20 && $0 != 0x7f }
        }
        let errors = lines.indices.filter { isError(lines[$0]) }.suffix(lineLimit)
        let others = lines.indices.filter { !isError(lines[$0]) }.suffix(lineLimit - errors.count)
        return (errors + others).sorted().map { text(lines[$0]) }
    }

    /// `(00.012345) Error (criu/mem.c:123): …`
    private static func isError(_ line: ArraySlice<UInt8>) -> Bool {
        String(decoding: line.prefix(lengthLimit), as: UTF8.self).contains("Error (")
    }

    private static func text(_ line: ArraySlice<UInt8>) -> String {
        // Whatever is replaced grows to three bytes, and the mark of what was cut has three, too.
        var text = ""
        let end = "…"
        for scalar in String(decoding: line.prefix(lengthLimit + 1), as: UTF8.self).unicodeScalars {
            let shown = printable(scalar)
            guard text.utf8.count + UTF8.width(shown) <= lengthLimit else {
                while text.utf8.count + end.utf8.count > lengthLimit { text.unicodeScalars.removeLast() }
                return text + end
            }
            text.unicodeScalars.append(shown)
        }
        return text
    }
}
