// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The certificates of a PEM file, as DER.
///
/// Text around the blocks is allowed, as many bundles have it, and so are lines of any length. swift-asn1's own reader
/// takes lines of 64 characters only and silently ends at a BEGIN line with a blank behind it.
enum PEM {
    struct Block {
        var der: [UInt8]
        /// Of its BEGIN line; 1 is the first.
        var line: Int
    }

    private static let begin = "-----BEGIN "
    private static let end = "-----END "
    private static let dashes = "-----"

    /// - Parameter limit: how many blocks there may be.
    static func certificates(_ bytes: [UInt8], file: String, limit: Int) throws(AccessProblems) -> [Block] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw AccessProblems([AccessProblem(file, "it is not a text file; PEM is wanted, not DER")])
        }
        var blocks: [Block] = []
        var openedOn: Int?
        var base64 = ""
        var number = 0
        for piece in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let line = trimmed(Substring(piece))
            func fail(_ explanation: String) -> AccessProblems {
                AccessProblems([AccessProblem(file, line: number, explanation)])
            }
            if let label = label(line, begin) {
                guard openedOn == nil else {
                    throw fail("a BEGIN line inside a block: the END line before it is missing")
                }
                guard label == "CERTIFICATE" else {
                    throw fail("a block of \(quoted(label)): only CERTIFICATE blocks belong in this file")
                }
                guard blocks.count < limit else { throw fail("more than \(limit) certificates") }
                openedOn = number
            } else if label(line, end) != nil {
                guard let start = openedOn else { throw fail("an END line without its BEGIN line") }
                guard let der = Data(base64Encoded: base64), !der.isEmpty else {
                    throw fail("the block that ends here is not base64")
                }
                blocks.append(Block(der: Array(der), line: start))
                openedOn = nil
                base64 = ""
            } else if openedOn != nil {
                base64 += line
            }
        }
        if let openedOn {
            throw AccessProblems([AccessProblem(file, line: openedOn, "the END line of this block is missing")])
        }
        return blocks
    }

    private static func label(_ line: String, _ marker: String) -> String? {
        guard line.hasPrefix(marker), line.hasSuffix(dashes), line.utf8.count > marker.utf8.count + dashes.utf8.count
        else { return nil }
        return String(line.dropFirst(marker.count).dropLast(dashes.count))
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.utf8
        while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0d { line.removeLast() }
        while let first = line.first, first == 0x20 || first == 0x09 { line.removeFirst() }
        return String(Substring(line))
    }
}
