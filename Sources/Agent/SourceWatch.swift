// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging
internal import NodeStatus

/// What the log has said about each source, and what there is to say now.
///
/// File systems come and go with pods, and one may fail at every other look: what goes beyond the allowance waits, and
/// is said if it is still so when there is room.
struct SourceWatch {
    /// One that is in another state than was said.
    struct News {
        let report: SourceReport
    }

    /// The state of each that is not as it should be.
    private var said: [String: SourceReport.State] = [:]
    private var allowance = LogAllowance(burst: 30, perSecond: 0.1)

    mutating func news(_ reports: [SourceReport], now: Duration) -> [News] {
        var news: [News] = []
        var present: [String: SourceReport.State] = [:]
        for report in reports {
            let before = said[report.name]
            let isBad = report.state == .failed || report.state == .hung
            let current = isBad ? report.state : nil
            guard current != before, allowance.take(now) else {
                present[report.name] = before
                continue
            }
            present[report.name] = current
            news.append(News(report: report))
        }
        // What is not there any more is no news: whoever has unmounted a file system knows it.
        said = present
        return news
    }
}

extension SourceWatch.News {
    func log(to logger: Logger) {
        let name = report.name
        switch report.state {
        case .failed:
            logger.warning(
                "the source \(name) cannot be read: \(report.error ?? "it gives no reason")",
                metadata: .of(.sourceFailed, ["source": "\(name)"]))
        case .hung:
            logger.warning(
                "the source \(name) hangs: \(report.error ?? "a call has not returned")",
                metadata: .of(.sourceHung, ["source": "\(name)"]))
        case .ok, .absent:
            logger.notice(
                "the source \(name) can be read again", metadata: .of(.sourceRecovered, ["source": "\(name)"]))
        }
    }
}
