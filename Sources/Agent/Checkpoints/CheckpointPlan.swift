// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import CRI

/// The answer to a dry run: what it would take, and what speaks against it.
struct CheckpointPlan: Encodable {
    struct Charge: Encodable {
        var directory: String
        var purpose: String
        var bytes: UInt64
        /// What the directory's file system has left; nil: it cannot be told.
        var availableBytes: UInt64?
    }

    var container: String
    var containerID: String
    var podUID: String
    var runtime: String
    /// What the kernel says of its freezer: `running`, `paused`, `freezing`, `unknown`.
    var state: String
    var memoryBytes: UInt64?
    var swapBytes: UInt64?
    var writableLayerBytes: UInt64?
    var logBytes: UInt64?
    var charges: [Charge]
    /// How long the container would stand still, by what dumps took before or, before the first one, by what a disk of
    /// middling speed makes of it.
    var frozenSeconds: Double?
    var problems: [String]
}

extension CheckpointDesk {
    /// Bytes of memory that are dumped in a second while nothing is known better: measured with containerd, whose dumps
    /// are the slowest.
    private static let usualSpeed = 150e6
    private static let leastFrozen = 0.08

    func plan(_ call: CheckpointCall, _ identity: ContainerIdentity, _ survey: ContainerSurvey) -> CheckpointPlan {
        let directory = store?.directory.path ?? settings.directory
        let estimate = space.estimate(identity, survey, directory: directory)
        var problems: [String] = []
        let (state, pause) = Self.state(survey)
        if let pause { problems.append(pause) }
        if estimate == nil { problems.append("how much memory the container has cannot be told") }
        if let shortage = space.shortage(for: estimate) { problems.append("\(shortage)") }
        if let refusal = queue.refusal(container: identity.containerID) {
            problems.append(CheckpointReplies.answer(call, refusal).body)
        }
        let others = jobs.values.count { $0.request.container.containerID == identity.containerID }
        if others > 0 { problems.append("\(others) other checkpoints of this container come first") }
        if case .unsupported(let reason)? = survey.support { problems.append("the runtime cannot: \(reason)") }
        return CheckpointPlan(
            container: identity.name, containerID: identity.containerID, podUID: identity.podUID,
            runtime: "\(survey.runtime.name) \(survey.runtime.version)", state: state, memoryBytes: estimate?.memory,
            swapBytes: estimate?.swap, writableLayerBytes: estimate?.writableLayer, logBytes: estimate?.log,
            charges: (estimate?.charges ?? []).map { charge in
                CheckpointPlan.Charge(
                    directory: charge.directory, purpose: charge.purpose, bytes: charge.bytes,
                    availableBytes: (try? space.probe(charge.directory))?.available)
            },
            frozenSeconds: estimate.map { frozen(bytes: Double($0.memory) + Double($0.swap)) }, problems: problems)
    }

    private func frozen(bytes: Double) -> Double {
        let speed =
            totals.frozenSeconds > 0 && totals.bytes > 100_000_000
            ? Double(totals.bytes) / totals.frozenSeconds : Self.usualSpeed
        let seconds = max(Self.leastFrozen, bytes / speed)
        return (seconds * 100).rounded() / 100
    }

    private static func state(_ survey: ContainerSurvey) -> (String, problem: String?) {
        guard let processID = survey.details?.processID else { return ("unknown", nil) }
        switch FreezerState.read(processID: processID) {
        case .thawed: return ("running", nil)
        case .frozen: return ("paused", "somebody has paused it")
        case .freezing: return ("freezing", "somebody is pausing it")
        case .unknown: return ("unknown", nil)
        case .gone: return ("gone", "its process has ended")
        }
    }
}
