// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// /proc/loadavg: `1.05 1.30 0.67 2/84 10314`.
struct ProcLoadavg: Equatable {
    var load: LoadAverage
    /// Tasks, threads included: the number after the slash.
    var tasks: UInt64

    init(_ text: TextCursor, name: String) throws(SourceFailure) {
        var text = text
        guard var line = text.line(), let one = Self.decimal(&line), let five = Self.decimal(&line),
            let fifteen = Self.decimal(&line)
        else { throw .failed("parse \(name): not three load averages") }
        guard var counts = line.word(), counts.number() != nil, counts.take("/"), let tasks = counts.wholeNumber()
        else { throw .failed("parse \(name): the fourth field is not running/tasks") }
        load = LoadAverage(one: one, five: five, fifteen: fifteen)
        self.tasks = tasks
    }

    private static func decimal(_ line: inout TextCursor) -> Double? {
        guard var word = line.word(), let value = word.decimal(), word.isAtEnd else { return nil }
        return value
    }
}

/// A /proc/pressure file: `some avg10=0.12 avg60=7.50 avg300=10.18 total=62833243` and perhaps `full …`.
func parsePressure(_ text: TextCursor, name: String) throws(SourceFailure) -> PressureStall {
    var text = text
    var some: PressureStall.Stall?
    var full: PressureStall.Stall?
    while var line = text.line() {
        if line.take("some ") {
            some = try stall(&line, "some", name)
        } else if line.take("full ") {
            full = try stall(&line, "full", name)
        }
    }
    guard let some else { throw .failed("parse \(name): no \"some\" line") }
    return PressureStall(some: some, full: full)
}

private func stall(
    _ line: inout TextCursor, _ kind: StaticString, _ name: String
) throws(SourceFailure) -> PressureStall.Stall {
    var result = PressureStall.Stall(avg10: 0, avg60: 0, avg300: 0, total: 0)
    var found = 0
    while var word = line.word() {
        let whole = word
        if word.take("avg10="), let value = word.decimal(), word.isAtEnd {
            result.avg10 = value
        } else if word.take("avg60="), let value = word.decimal(), word.isAtEnd {
            result.avg60 = value
        } else if word.take("avg300="), let value = word.decimal(), word.isAtEnd {
            result.avg300 = value
        } else if word.take("total="), let value = word.wholeNumber() {
            result.total = value
        } else {
            throw .failed("parse \(name): \"\(kind)\" has \"\(whole.text)\"")
        }
        found += 1
    }
    guard found == 4 else { throw .failed("parse \(name): \"\(kind)\" has \(found) values") }
    return result
}
