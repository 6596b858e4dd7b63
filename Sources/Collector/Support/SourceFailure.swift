// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a source has no value, worded for an operator.
package struct SourceFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// This node does not have the thing at all: not an error.
    package var isAbsent: Bool
    package var reason: String
    package var description: String { reason }

    package static func failed(_ reason: String) -> SourceFailure { .init(isAbsent: false, reason: reason) }
    package static func absent(_ reason: String) -> SourceFailure { .init(isAbsent: true, reason: reason) }

    /// `open /proc/pressure/cpu: No such file or directory`; absent when the kernel says that there is no such thing.
    static func call(_ name: String, _ object: String, errno code: Int32) -> SourceFailure {
        let isAbsent = [ENOENT, ENOTDIR, EOPNOTSUPP, ENODEV, ENOSYS].contains(code)
        return .init(isAbsent: isAbsent, reason: "\(name) \(object): \(errorText(code))")
    }
}

/// The C library's words for an errno value.
func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
        guard let base = buffer.baseAddress else { return "error \(code)" }
        buffer.initialize(repeating: 0)
        guard strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
        return String(cString: base)
    }
}
