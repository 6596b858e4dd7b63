// SPDX-License-Identifier: Apache-2.0

/// One line of comma-separated values, by the rules of Go's `encoding/csv`: a field may stand in double quotes, in which
/// two mean one, and a quote nowhere else. A field that goes on in the next line is not taken.
enum CSVRecord {
    struct Malformed: Error, Equatable {
        let reason: String
    }

    static func fields(_ line: ArraySlice<UInt8>, limit: Int) throws(Malformed) -> [[UInt8]] {
        let quote = UInt8(ascii: "\"")
        let comma = UInt8(ascii: ",")
        var fields: [[UInt8]] = []
        var rest = line
        while true {
            guard fields.count < limit else { throw Malformed(reason: "more than \(limit) columns") }
            var field: [UInt8] = []
            if rest.first == quote {
                rest.removeFirst()
                var isClosed = false
                while let byte = rest.popFirst() {
                    if byte != quote {
                        field.append(byte)
                    } else if rest.first == quote {
                        field.append(quote)
                        rest.removeFirst()
                    } else {
                        isClosed = true
                        break
                    }
                }
                guard isClosed else { throw Malformed(reason: "a quote that is not closed on its line") }
                guard rest.isEmpty || rest.first == comma else {
                    throw Malformed(reason: "text behind a closing quote; a quote inside quotes is written twice")
                }
            } else {
                field = Array(rest.prefix { $0 != comma })
                guard !field.contains(quote) else {
                    throw Malformed(reason: "a quote in the middle of a column; put the whole column in quotes")
                }
                rest = rest.dropFirst(field.count)
            }
            fields.append(field)
            guard rest.popFirst() == comma else { return fields }
        }
    }
}
