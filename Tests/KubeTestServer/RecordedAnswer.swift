// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An answer of a real kube-apiserver, recorded with curl: `Wire/NAME.http`.
package enum RecordedAnswer {
    package struct Missing: Error {
        package let path: String
    }

    package static func reply(_ name: String) throws -> TestReply {
        let path = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Wire/\(name).http"
        guard let file = fopen(path, "r") else { throw Missing(path: path) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        // A comment, `HTTP/2 201`, header lines, an empty line, the body. Some were recorded with a newline behind it.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let empty = lines.firstIndex(where: \.isEmpty), lines.count > 2,
            let status = lines[1].split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Missing(path: path) }
        var headers: [(String, String)] = []
        for line in lines[2..<empty] {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0] != "content-length" else { continue }
            headers.append((String(parts[0]), String(parts[1].drop { $0 == " " })))
        }
        return .http(status, lines[(empty + 1)...].joined(separator: "\n"), type: nil, headers: headers)
    }
}
