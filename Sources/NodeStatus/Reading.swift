// SPDX-License-Identifier: Apache-2.0

/// What a source has to say: a value, or the reason why there is none.
///
/// Every source fails alone. Whoever needs a reading says what follows from its absence; nothing is ever assumed.
package enum Reading<Value: Sendable>: Sendable {
    /// Measured at this time.
    case value(Value, at: Timestamp)
    /// No value, and why, worded for an operator: `open /proc/pressure/cpu: No such file or directory`.
    case missing(String)

    package var value: Value? {
        if case .value(let value, _) = self { value } else { nil }
    }

    package var missingReason: String? {
        if case .missing(let reason) = self { reason } else { nil }
    }

    package var time: Timestamp? {
        if case .value(_, let time) = self { time } else { nil }
    }

    package func map<Other: Sendable>(_ transform: (Value) -> Other) -> Reading<Other> {
        switch self {
        case .value(let value, let time): .value(transform(value), at: time)
        case .missing(let reason): .missing(reason)
        }
    }
}

extension Reading: Equatable where Value: Equatable {}
