// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import API

@Suite("Prometheus text")
struct MetricsTextTests {
    @Test("A family has help, type and its samples")
    func family() {
        var metrics = MetricsText()
        metrics.family("a_total", .counter, "Things.") { samples in
            samples.add(3, ["kind": "x"])
            samples.add(1.5, ["kind": "y"], milliseconds: 1_700_000_000_000)
        }
        #expect(
            metrics.text == """
                # HELP a_total Things.
                # TYPE a_total counter
                a_total{kind="x"} 3
                a_total{kind="y"} 1.5 1700000000000

                """)
    }

    @Test("A family without a sample is left out")
    func empty() {
        var metrics = MetricsText()
        metrics.family("a", .gauge, "Nothing.") { _ in }
        metrics.single("b", .gauge, "Nothing.", nil)
        #expect(metrics.text.isEmpty)
    }

    @Test("Label values cannot break out of their quotes")
    func escaping() {
        var metrics = MetricsText()
        metrics.family("a", .gauge, "Back\\slash\nand line.") { $0.add(1, ["path": "/\"}\n evil{x=\"\\"]) }
        #expect(metrics.text.split(separator: "\n").count == 3)
        #expect(metrics.text.contains(#"a{path="/\"}\n evil{x=\"\\"} 1"#))
    }

    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (0.0, "0"), (-0.5, "-0.5"), (1e15, "1000000000000000"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (1.8446744073709552e19, "1.8446744073709552e+19"),
        ])
    func numbers(value: Double, text: String) {
        #expect(MetricsText.number(value) == text)
    }
}
