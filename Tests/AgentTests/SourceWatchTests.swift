// SPDX-License-Identifier: Apache-2.0
import Logging
import NodeStatus
import Testing

@testable import Agent

@Suite("What is said of sources")
struct SourceWatchTests {
    private func report(_ name: String, _ state: SourceReport.State) -> SourceReport {
        SourceReport(name: name, state: state, since: Timestamp(seconds: 0))
    }

    private func names(_ news: [SourceWatch.News]) -> [String] {
        news.map { "\($0.report.name) \($0.report.state)" }
    }

    @Test("A source that fails, hangs or is well again is said once")
    func changes() {
        var watch = SourceWatch()
        let well = [report("meminfo", .ok), report("psi", .absent), report("dns", .failed)]
        #expect(names(watch.news(well, now: .seconds(1))) == ["dns failed"])
        #expect(watch.news(well, now: .seconds(2)).isEmpty)
        let worse = [report("meminfo", .hung), report("psi", .absent), report("dns", .hung)]
        #expect(names(watch.news(worse, now: .seconds(3))) == ["meminfo hung", "dns hung"])
        let better = [report("meminfo", .ok), report("psi", .absent), report("dns", .absent)]
        #expect(names(watch.news(better, now: .seconds(4))) == ["meminfo ok", "dns absent"])
        #expect(watch.news(better, now: .seconds(5)).isEmpty)
    }

    @Test("One that is not there any more is no news, and is not remembered")
    func gone() {
        var watch = SourceWatch()
        #expect(watch.news([report("statfs:/pod", .hung)], now: .seconds(1)).count == 1)
        #expect(watch.news([], now: .seconds(2)).isEmpty)
        #expect(watch.news([report("statfs:/pod", .ok)], now: .seconds(3)).isEmpty)
    }

    @Test("One that fails at every other look does not fill the log, and the last word is said")
    func flapping() {
        var watch = SourceWatch()
        var said: [String] = []
        for second in 0..<600 {
            said += names(watch.news([report("a", second % 2 == 0 ? .failed : .ok)], now: .seconds(second)))
        }
        // Thirty at once, then one in ten seconds.
        #expect(said.count <= 91)
        for second in 600..<640 { said += names(watch.news([report("a", .hung)], now: .seconds(second))) }
        #expect(said.last == "a hung")
    }
}
