// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import NodeStatus

// From the runtime's answers to the report, after the kubelet's rules.

extension RuntimeReport {
    /// Status was answered.
    mutating func take(_ status: RuntimeStatus, at now: Timestamp) {
        if contact != .answers { contactSince = now }
        contact = .answers
        let said = status.conditions.map {
            Condition(type: $0.type, isTrue: $0.isTrue, reason: $0.reason, message: $0.message)
        }
        conditions = .value(said, at: now)
        // A runtime that is not ready is not asked what it can do (updateRuntimeUp of pkg/kubelet/kubelet.go).
        guard said.first(where: { $0.type == Condition.runtimeReady })?.isTrue == true else { return }
        handlers = status.handlers.map {
            Handler(
                name: $0.name, recursiveReadOnlyMounts: $0.recursiveReadOnlyMounts, userNamespaces: $0.userNamespaces)
        }.sorted { $0.name < $1.name }
        supplementalGroupsPolicy = status.supplementalGroupsPolicy
    }

    mutating func take(_ version: Result<RuntimeVersion, RuntimeLedger.Failure>, at now: Timestamp) {
        switch version {
        case .success(let said):
            if !said.name.isEmpty { name = said.name }
            self.version = .value(Version(version: said.version, apiVersion: said.apiVersion), at: now)
        case .failure(let failure):
            self.version = .missing(failure.reason)
        }
    }

    /// Status was not answered. What the runtime is and has stays; how it is is not known any more.
    mutating func lose(_ problem: String, at now: Timestamp) {
        if case .fails = contact {} else { contactSince = now }
        contact = .fails(problem)
        version = .missing(problem)
        conditions = .missing(problem)
        usage = .missing(problem)
        checkpoint = .unknown("the container runtime does not answer: \(problem)")
    }
}

extension RuntimeReport.Image {
    init(_ image: RuntimeImage) {
        self.init(
            id: image.id, names: Array((image.digests + image.tags).prefix(RuntimeReport.namesPerImage)),
            size: image.size)
    }
}
