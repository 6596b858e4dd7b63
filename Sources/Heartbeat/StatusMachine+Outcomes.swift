// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus

extension StatusMachine {
    package mutating func take(_ outcome: Outcome, now: Duration) {
        switch outcome {
        case .node(let node):
            failuresInRow = 0
            guard let node else {
                notFound(now: now)
                return
            }
            found(node, now: now)
        case .failed(let failure):
            problem = failure.description
            switch task {
            case .get: readFailed(failure, now: now)
            case .create: creationFailed(failure, now: now)
            case .patch: patchFailed(failure, now: now)
            }
        }
    }

    private mutating func notFound(now: Duration) {
        known = nil
        isMissing = settings.role == .node && settings.registersNode
        if isMissing { return }
        problem = "there is no Node \(settings.nodeName)"
        holdUntil = now + settings.statusUpdateFrequency * (1 + 0.04 * random())
    }

    private mutating func found(_ node: JSONValue, now: Duration) {
        if settings.role == .node, let problem = Ownership.problem(of: node, settings) {
            refusal = problem
            self.problem = problem
            return
        }
        noteReboot(node)
        known = node
        known?["metadata", "managedFields"] = nil
        isMissing = false
        switch task {
        case .get: isUnconfirmed = true
        case .create:
            news.append(.registered)
            reported(isPeriodic: false, now: now)
        case .patch:
            budget.spend()
            noteFlips()
            reported(isPeriodic: isPurelyPeriodic, now: now)
            noteEffect()
        }
    }

    /// The Node is as it should be.
    mutating func confirm() {
        isUnconfirmed = false
        confirmations += 1
        tries = 0
        problem = nil
    }

    private mutating func reported(isPeriodic: Bool, now: Duration) {
        confirm()
        isUrgent = false
        pauses.reset()
        registrationPauses.reset()
        slowPauses.reset()
        let period = settings.statusReportFrequency
        // The kubelet's (calculateDelay): by chance after a change, so that nodes that changed together part again.
        nextPeriodic = now + period + (isPeriodic ? .zero : period * (random() - 0.5))
    }

    private mutating func noteFlips() {
        // What a Node begins with is no change of it, unless it is something bad.
        for flip in sent?.flips ?? [] where flip.previous != nil || flip.condition.isBad {
            news.append(
                .flipped(
                    type: flip.condition.type, from: flip.previous, to: flip.condition.status,
                    message: flip.condition.message))
        }
    }

    /// A server may refuse a part of a patch without saying so; to send it again and again would not help.
    private mutating func noteEffect() {
        guard let known, let wanted, let sent else { return }
        let left = StatusPatch(from: known, to: wanted, withImages: false, date: Timestamp(seconds: 0)).change
        ineffective = left == sent.change ? left : .none
    }

    private mutating func noteReboot(_ node: JSONValue) {
        guard settings.role == .node, !hasNotedReboot, let old = node["status", "nodeInfo", "bootID"]?.text,
            let new = wanted?.status["nodeInfo", "bootID"]?.text, !new.isEmpty
        else { return }
        hasNotedReboot = true
        if !old.isEmpty, old != new { news.append(.rebooted(bootID: new)) }
    }

    private mutating func readFailed(_ failure: HeartbeatFailure, now: Duration) {
        failuresInRow += 1
        tries += 1
        if failure.reaction == .atOnce, tries < Self.maximumTries { return }
        pause(failure, now: now)
    }

    /// The next step looks whether there is one by now, whoever made it.
    private mutating func creationFailed(_ failure: HeartbeatFailure, now: Duration) {
        tries += 1
        isMissing = false
        if failure.cause == .conflict, tries < Self.maximumTries { return }
        failuresInRow += 1
        pause(failure, now: now)
    }

    private mutating func patchFailed(_ failure: HeartbeatFailure, now: Duration) {
        tries += 1
        switch failure.cause {
        case .notFound:
            news.append(.deleted)
            forget()
            nextPeriodic = nil
            if tries >= Self.maximumTries { pause(failure, now: now) }
        case .conflict:
            forget()
            if tries >= Self.maximumTries { pause(failure, now: now) }
        case .tooManyRequests, .serverError:
            failuresInRow += 1
            pause(failure, now: now)
        default:
            failuresInRow += 1
            // The first try was against the Node as it was known, the later ones are against the Node as it is.
            forget()
            if failure.reaction == .atOnce, tries < Self.maximumTries { return }
            pause(failure, now: now)
        }
    }

    /// Tries at once are for the first time: after a pause, one failure is enough for the next one.
    private mutating func pause(_ failure: HeartbeatFailure, now: Duration) {
        let pause: Duration
        if failure.reaction == .slowly {
            pause = failure.pause(&slowPauses, random)
        } else if nextPeriodic == nil {
            pause = failure.pause(&registrationPauses, random)
        } else {
            pause = failure.pause(&pauses, random)
        }
        holdUntil = now + pause
    }
}

extension NodeDocument.Condition {
    /// Ready, or whatever a pressure's opposite is.
    var isBad: Bool {
        switch status {
        case .unknown: true
        case .isTrue: type != ConditionType.ready.rawValue
        case .isFalse: type == ConditionType.ready.rawValue
        }
    }
}
