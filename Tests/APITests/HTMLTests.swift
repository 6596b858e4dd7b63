// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import API

@Suite("HTML")
struct HTMLTests {
    @Test("Text and attributes are escaped")
    func escaping() {
        let html = HTML.element("p", ["title": "\"><b>'"], .text("a < b & \u{0}\u{7f}"))
        #expect(html.source == "<p title=\"&quot;&gt;&lt;b&gt;&#39;\">a &lt; b &amp; \u{fffd}\u{fffd}</p>")
    }

    @Test(
        "Sizes are short and in binary units",
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (UInt64.max, "16 EiB"),
            (52_428_800, "50 MiB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(StatusPage.bytes(count) == text)
    }

    @Test("A bar stays within its frame, whatever the numbers")
    func bars() {
        #expect(StatusPage.bar(available: 1, capacity: 0, threshold: 1, over: true, label: "").source.isEmpty)
        let bar = StatusPage.bar(available: 25, capacity: 100, threshold: 10, over: false, label: "x").source
        #expect(bar.contains("width=\"75%\"") && bar.contains("x1=\"90%\""))
        let over = StatusPage.bar(available: .max, capacity: 1, threshold: .max, over: false, label: "x").source
        #expect(over.contains("width=\"0%\"") && over.contains("x1=\"0%\""))
    }
}
