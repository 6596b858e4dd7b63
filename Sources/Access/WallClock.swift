// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

extension Timestamp {
    /// From here to `other`, in whole seconds; what does not fit is as long as can be.
    func duration(until other: Timestamp) -> Duration {
        let (seconds, overflow) = other.seconds.subtractingReportingOverflow(seconds)
        if overflow { return .seconds(other.seconds > 0 ? Int64.max / 2 : Int64.min / 2) }
        return .seconds(min(max(seconds, Int64.min / 2), Int64.max / 2))
    }
}

extension Duration {
    /// A point of the monotonic clock this long after `now`, and not so late that it could not be reckoned with.
    func after(_ now: Duration) -> Duration { now + min(self, .seconds(Int64(1) << 40)) }
}
