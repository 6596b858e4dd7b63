// SPDX-License-Identifier: Apache-2.0

/// Builds Prometheus' text exposition format 0.0.4, family by family.
struct MetricsText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    /// Writes a family's header and, through `body`, its samples. A family without a sample is left out whole.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ body: (inout Samples) -> Void) {
        var samples = Samples(name: name)
        body(&samples)
        guard !samples.text.isEmpty else { return }
        text += "# HELP \(name) \(Self.escaped(help, quote: false))\n# TYPE \(name) \(kind.rawValue)\n"
        text += samples.text
    }

    /// A family of one sample without labels; nothing at all when there is no value.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        guard let value else { return }
        family(name, kind, help) { $0.add(value) }
    }

    /// A family of histograms, in seconds.
    mutating func histogram(_ name: String, _ help: String, _ body: (inout Samples) -> Void) {
        family(name, .histogram, help, body)
    }

    struct Samples {
        let name: String
        fileprivate(set) var text = ""

        fileprivate init(name: String) {
            self.name = name
        }

        /// - Parameter milliseconds: the sample's own time stamp, since the epoch.
        mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:], milliseconds: Int64? = nil) {
            text += name
            if !labels.isEmpty {
                text += "{"
                text += labels.map { "\($0.key)=\"\(MetricsText.escaped($0.value, quote: true))\"" }
                    .joined(separator: ",")
                text += "}"
            }
            text += " " + MetricsText.number(value)
            if let milliseconds { text += " \(milliseconds)" }
            text += "\n"
        }

        /// A histogram: its buckets, which count what is at most as long as their bound, its sum and its count.
        ///
        /// - Parameter counts: one for each bound, and one for what is beyond; not cumulative.
        mutating func add(_ labels: KeyValuePairs<String, String>, bounds: [Double], counts: [UInt64], sum: Double) {
            let others = labels.map { "\($0.key)=\"\(MetricsText.escaped($0.value, quote: true))\"" }.joined(
                separator: ",")
            var total: UInt64 = 0
            for (bound, count) in zip(bounds.map(MetricsText.number) + ["+Inf"], counts) {
                total &+= count
                text += "\(name)_bucket{\(others),le=\"\(bound)\"} \(total)\n"
            }
            text += "\(name)_sum{\(others)} \(MetricsText.number(sum))\n\(name)_count{\(others)} \(total)\n"
        }

        mutating func add(_ value: UInt64, _ labels: KeyValuePairs<String, String> = [:]) {
            add(Double(value), labels)
        }
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers without exponent or fraction, as far as a double holds them exactly.
        if value == value.rounded(), value.magnitude < 9_007_199_254_740_992 { return String(Int64(value)) }
        return String(value)
    }

    /// Backslash and newline, and the quote in label values, are escaped. A file name may hold any byte.
    static func escaped(_ value: String, quote: Bool) -> String {
        guard value.utf8.contains(where: { $0 == 0x5c || $0 == 0x0a || (quote && $0 == 0x22) }) else { return value }
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
