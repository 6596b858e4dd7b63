// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NodeStatus

extension Timestamp {
    /// X.509 has whole seconds in the years 0 to 9999; anything else is cut to fit.
    init(_ date: Date) {
        self.init(seconds: Int64(min(max(date.timeIntervalSince1970.rounded(.down), -1e12), 1e12)))
    }

    /// Within the years that a certificate can name: the library does not expect others.
    var date: Date { Date(timeIntervalSince1970: Double(min(max(seconds, 0), 253_402_300_799))) }
}
