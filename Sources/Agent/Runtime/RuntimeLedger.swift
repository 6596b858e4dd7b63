// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import NodeStatus

/// How the calls to the container runtime fare: counters for the metrics, and a source's report for each reading.
struct RuntimeLedger {
    private var callsByOperation: [String: RuntimeReport.Calls] = [:]
    private var sourcesByName: [String: SourceReport] = [:]

    var calls: [RuntimeReport.Calls] { callsByOperation.values.sorted { $0.operation < $1.operation } }
    var sources: [SourceReport] { sourcesByName.values.sorted { $0.name < $1.name } }

    mutating func note(call operation: String, took: Duration, failed: Bool) {
        var calls = callsByOperation[operation] ?? RuntimeReport.Calls(operation: operation)
        calls.count = calls.count.addingClamped(1)
        if failed { calls.errors = calls.errors.addingClamped(1) }
        calls.seconds += max(0, took.inSeconds)
        callsByOperation[operation] = calls
    }

    /// - Parameters:
    ///   - name: `runtime`, `runtime:images`.
    ///   - failure: nil: it gave a value.
    mutating func note(source name: String, failure: Failure?, took: Duration, at now: Timestamp) {
        var report = sourcesByName[name] ?? SourceReport(name: name, state: .absent, since: now)
        let state = failure?.state ?? .ok
        if sourcesByName[name] == nil || report.state != state { report.since = now }
        report.state = state
        report.error = failure?.reason
        if failure == nil { report.lastSuccess = now }
        if state == .failed || state == .hung { report.failures = report.failures.addingClamped(1) }
        report.lastDuration = max(0, took.inSeconds)
        report.longestDuration = max(report.longestDuration, report.lastDuration)
        sourcesByName[name] = report
    }

    /// Why a reading has no value.
    struct Failure: Error, Equatable {
        var state: SourceReport.State
        var reason: String

        /// - Parameters:
        ///   - operation: as CRI calls it: `ListImages`.
        ///   - timeout: what the call was given.
        init(_ error: RuntimeError, operation: String, timeout: Duration) {
            switch error.code {
            case .deadlineExceeded:
                state = .hung
                reason = "\(operation) has not been answered for \(GoDuration.format(timeout))"
            case .unimplemented:
                state = .absent
                reason = "\(operation): \(error)"
            default:
                state = .failed
                // The client's own words for a connection that is not there name the socket and the reason.
                reason = error.isConnectionLoss ? error.message : "\(operation): \(error)"
            }
        }
    }
}

extension UInt64 {
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
