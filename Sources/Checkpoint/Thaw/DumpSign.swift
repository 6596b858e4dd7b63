// SPDX-License-Identifier: Apache-2.0

/// Whether a dump of a container by anybody can be seen to be under way.
package enum DumpSign: Equatable, Sendable {
    case none
    /// What is seen of it.
    case seen(String)
    /// The runtime's work directory is there: of a dump, or left by one that was cut off (criu still writes while
    /// containerd removes it; seen with 2.1).
    ///
    /// - Parameters:
    ///   - state: what it is and holds: the same text as long as nobody works in it.
    ///   - age: since its last change, by the wall clock.
    case workDirectory(state: String, age: Duration)
    /// It could not be seen if there were one.
    case invisible
}

/// Tells a work directory in use from one that was left behind, look after look.
package struct DumpActivity: Equatable, Sendable {
    /// A dump of such a container changes its directory within this time.
    package let quiet: Duration
    private var state = ""
    private var since = Duration.zero

    package init(quiet: Duration) {
        self.quiet = quiet
    }

    /// - Parameter time: monotonic.
    /// - Returns: what is seen of a dump; nil where there is none, or none that anybody works on.
    package mutating func underWay(_ sign: DumpSign, at time: Duration) -> String? {
        switch sign {
        case .none, .invisible:
            forget()
            return nil
        case .seen(let text):
            forget()
            return text
        case .workDirectory(let state, let age):
            if self.state != state {
                self.state = state
                since = time
            }
            return age >= quiet || time - since >= quiet ? nil : state
        }
    }

    /// Something else was seen meanwhile.
    package mutating func forget() { state = "" }

    /// How long a dump may go without a change of its work directory: while containerd copies the memory images into its
    /// content store and compresses the writable layer.
    package static func quiet(for estimate: SizeEstimate?) -> Duration {
        guard let estimate else { return .seconds(60) }
        // Bytes a second that a slow disk copies, and that one core compresses.
        let copying = (Double(estimate.memory) + Double(estimate.swap) + Double(estimate.log)) / 100e6
        let compressing = Double(estimate.writableLayer) / 20e6
        return .seconds(min(5 + copying + compressing, 900))
    }
}
