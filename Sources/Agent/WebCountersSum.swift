// SPDX-License-Identifier: Apache-2.0
internal import Gate

extension WebCounters {
    /// Both counted together. Sums stop at the largest number: a lying web process must not trap the agent.
    func adding(_ other: WebCounters) -> WebCounters {
        var sum = self
        sum.connectionsAccepted = Self.sum(connectionsAccepted, other.connectionsAccepted)
        sum.connectionsOpen = other.connectionsOpen
        sum.connectionsEvicted = Self.sum(connectionsEvicted, other.connectionsEvicted)
        sum.connectionsTimedOut = Self.sum(connectionsTimedOut, other.connectionsTimedOut)
        sum.requestsPassed = Self.sum(requestsPassed, other.requestsPassed)
        sum.deniedSystemCalls = Self.sum(deniedSystemCalls, other.deniedSystemCalls)
        if other.lastDeniedSystemCall >= 0 { sum.lastDeniedSystemCall = other.lastDeniedSystemCall }
        for count in other.served {
            if let index = sum.served.firstIndex(where: {
                $0.path == count.path && $0.listener == count.listener && $0.status == count.status
            }) {
                sum.served[index].count = Self.sum(sum.served[index].count, count.count)
            } else if sum.served.count < Self.maximumRows {
                sum.served.append(count)
            }
        }
        for count in other.refused {
            if let index = sum.refused.firstIndex(where: { $0.reason == count.reason && $0.status == count.status }) {
                sum.refused[index].count = Self.sum(sum.refused[index].count, count.count)
            } else if sum.refused.count < Self.maximumRows {
                sum.refused.append(count)
            }
        }
        return sum
    }

    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (value, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : value
    }
}
