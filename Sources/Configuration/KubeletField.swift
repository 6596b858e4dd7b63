// SPDX-License-Identifier: Apache-2.0

/// A field of KubeletConfiguration (kubelet.config.k8s.io/v1beta1, Kubernetes 1.36) and what nodekeep makes of it.
package struct KubeletField: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Means here what it means to a kubelet.
        case honoured(String)
        /// Nodekeep has something of its own instead, because a kubelet beside it has this already.
        case replaced(by: String)
        /// It is about something that nodekeep does not do.
        case irrelevant(String)
        /// Ignoring some values would be wrong, so those are an error; the others need nothing to be done.
        case refused(unless: [String], why: String)
    }

    /// Dotted: `logging.verbosity`, `reservedMemory[].limits`.
    package var name: String
    package var shape: FieldShape
    package var verdict: Verdict
    /// The nodekeep release from which on the verdict holds.
    package var since: String

    init(_ name: String, _ shape: FieldShape, _ verdict: Verdict, since: String = "0.1") {
        self.name = name
        self.shape = shape
        self.verdict = verdict
        self.since = since
    }

    package var isHonoured: Bool {
        if case .honoured = verdict { true } else { false }
    }

    static let kind = "KubeletConfiguration"
    static let apiVersion = "kubelet.config.k8s.io/v1beta1"

    package static let all: [KubeletField] =
        server + security + workloads + resources + eviction + node + process

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    static let shapes = byName.mapValues(\.shape)
}

extension KubeletField {
    /// The table of docs/compatibility-kubelet-configuration.md.
    package static var markdown: String {
        let rows = all.sorted { $0.name < $1.name }.map { field in
            let (verdict, what) = field.words
            return "| `\(field.name)` | \(verdict) | \(what) | \(field.since) |"
        }
        return (["| field | verdict | what that means | since |", "|---|---|---|---|"] + rows).joined(separator: "\n")
            + "\n"
    }

    private var words: (verdict: String, what: String) {
        switch verdict {
        case .honoured(let note): return ("honoured", note)
        case .replaced(let own): return ("replaced", "by \(own)")
        case .irrelevant(let why): return ("irrelevant", why)
        case .refused(let accepted, let why):
            let values = accepted.filter { !$0.isEmpty }.map { "`\($0)`" }.joined(separator: ", ")
            return ("refused", "any value but \(values): \(why)")
        }
    }
}
