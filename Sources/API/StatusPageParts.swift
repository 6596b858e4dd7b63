// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

// The building blocks of the status page.

extension StatusPage {
    enum Tone: String {
        case good, bad, warn
    }

    static func section(_ title: String, _ content: HTML, wide: Bool = false) -> HTML {
        HTML.element(
            "section", wide ? ["class": "wide"] : [:],
            HTML.element("h2", [:], .text(title)), HTML.element("div", ["class": "scroll"], content))
    }

    /// A table row: the first cell heads it; a cell that is no `td` yet becomes one.
    static func row(_ head: HTML, _ cells: HTML...) -> HTML {
        HTML.element(
            "tr", [:],
            [HTML.element("th", ["scope": "row"], head)]
                + cells.map { $0.source.hasPrefix("<td") ? $0 : HTML.element("td", [:], $0) })
    }

    static func heads(_ names: String...) -> HTML {
        HTML.element(
            "thead", [:],
            HTML.element("tr", [:], names.map { HTML.element("th", ["scope": "col"], .text($0)) }))
    }

    static func number(_ text: String) -> HTML {
        HTML.element("td", ["class": "n"], .text(text))
    }

    /// The word says it, the colour repeats it.
    static func state(_ word: String, _ tone: Tone) -> HTML {
        HTML.element("span", ["class": "state \(tone.rawValue)"], .text(word))
    }

    static func note(_ text: String) -> HTML {
        HTML.element("span", ["class": "soft"], .text(text))
    }

    /// What is used as a bar from the left; the red line is where the threshold is.
    static func bar(available: UInt64, capacity: UInt64, threshold: UInt64?, over: Bool, label: String) -> HTML {
        guard capacity > 0 else { return .empty }
        func percent(_ part: UInt64) -> Double { min(100, max(0, Double(part) / Double(capacity) * 100)) }
        let used = short(100 - percent(available))
        var shapes = [
            HTML.element("rect", ["class": "track", "width": "100%", "height": "100%", "rx": "3"]),
            HTML.element("rect", ["class": over ? "over" : "bar", "width": "\(used)%", "height": "100%", "rx": "3"]),
        ]
        if let threshold {
            let place = "\(short(100 - percent(threshold)))%"
            shapes.append(
                HTML.element(
                    "line", ["x1": place, "x2": place, "y1": "0", "y2": "100%", "stroke-width": "2"]))
        }
        return HTML.element("svg", ["role": "img", "aria-label": label], shapes)
    }

    static func percent(_ value: Double?) -> String {
        value.map { short($0) + " %" } ?? "–"
    }

    /// One decimal.
    static func short(_ value: Double) -> String {
        let tenths = (value * 10).rounded()
        guard tenths.magnitude < 1e15 else { return "–" }
        let whole = Int64(tenths)
        return whole % 10 == 0
            ? "\(whole / 10)" : "\(whole < 0 ? "-" : "")\(whole.magnitude / 10).\(whole.magnitude % 10)"
    }

    /// Binary units with one decimal, as df -h has them.
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        var units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        while value >= 1_024, units.count > 1 {
            value /= 1_024
            units.removeFirst()
        }
        return short(value) + " " + (units.first ?? "B")
    }

    static func amount(_ value: UInt64, _ signal: EvictionSignal) -> String {
        signal.isInBytes ? bytes(value) : "\(value)"
    }
}
