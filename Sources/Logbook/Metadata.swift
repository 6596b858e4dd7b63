// SPDX-License-Identifier: Apache-2.0
package import Logging

extension Logger.Metadata {
    /// Where a record has the name of its kind: `event=web-ended` on standard error, `NODEKEEP_EVENT` in the journal.
    package static var kindKey: String { "event" }

    /// The metadata of a record of this kind.
    ///
    /// - Parameter fields: at least the kind's own: the catalog counts on them.
    package static func of(_ kind: LogKind, _ fields: Logger.Metadata = [:]) -> Logger.Metadata {
        assert(
            kind.fields.isSubset(of: fields.keys),
            "\(kind) without \(kind.fields.subtracting(fields.keys).sorted())")
        var fields = fields
        fields[kindKey] = "\(kind.rawValue)"
        return fields
    }

    /// The kind of a record with this metadata; nil: none, as records have that come from a package.
    package var kind: LogKind? { self[Self.kindKey].flatMap { LogKind(rawValue: $0.description) } }
}
