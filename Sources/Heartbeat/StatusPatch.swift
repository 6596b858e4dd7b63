// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus

/// What there is to change in a Node: a strategic merge patch of its status subresource. Labels and annotations may ride
/// in it; `spec` is not its to change, and without a `resourceVersion` it never conflicts.
struct StatusPatch: Equatable {
    /// To send: with the time of the report in every condition.
    var body: JSONValue
    /// What is different but for that time; nil: nothing.
    var change: JSONValue?
    /// Conditions that have another status than the Node has them with.
    var flips: [Flip] = []

    struct Flip: Equatable {
        var condition: NodeDocument.Condition
        /// Nil: the Node did not have it.
        var previous: String?
    }

    /// - Parameter withImages: Images come and go all the time, and nobody waits for them.
    init(from known: JSONValue, to wanted: NodeDocument, withImages: Bool, date: Timestamp) {
        var change: JSONValue = [:]
        for (section, values) in [("labels", wanted.labels), ("annotations", wanted.annotations)] {
            for (key, value) in values where known["metadata", section, key]?.text != value {
                change["metadata", section, key] = .string(value)
            }
        }
        var status: JSONValue = [:]
        for (name, value) in wanted.status.fields ?? [:] where name != "images" || withImages {
            status[name] = Self.change(of: name, from: known["status", name], to: value)
        }
        if withImages, wanted.status["images"] == nil, !Self.isEmpty(known["status", "images"]), !wanted.isPartial {
            status["images"] = .null
        }
        var beats: [JSONValue] = []
        var changes: [JSONValue] = []
        for condition in wanted.conditions {
            let old = known["status", "conditions"]?.elements?.first { $0["type"]?.text == condition.type }
            let difference = condition.difference(from: old)
            var beat: JSONValue = difference ?? ["type": .string(condition.type)]
            if let difference { changes.append(difference) }
            beat["lastHeartbeatTime"] = .string(date.rfc3339)
            beats.append(beat)
            if old?["status"]?.text != condition.status.rawValue {
                flips.append(Flip(condition: condition, previous: old?["status"]?.text))
            }
        }
        body = change
        if !changes.isEmpty { status["conditions"] = .array(changes) }
        if !(status.fields ?? [:]).isEmpty { change["status"] = status }
        self.change = change.ifNotEmpty
        if !beats.isEmpty { status["conditions"] = .array(beats) }
        if !(status.fields ?? [:]).isEmpty { body["status"] = status }
    }

    /// Nil: nothing to be changed.
    private static func change(of name: String, from old: JSONValue?, to new: JSONValue) -> JSONValue? {
        switch name {
        case "capacity", "allocatable": return resources(from: old, to: new)
        case "addresses":
            guard old != new else { return nil }
            // They are merged by type, and there may be two of one type: so the whole list replaces the other.
            let directive: [JSONValue] = isEmpty(old) ? [] : [["$patch": "replace"]]
            return .array((new.elements ?? []) + directive)
        case "nodeInfo": return merge(from: old, to: new, removing: ["swap"])
        default: return merge(from: old, to: new, removing: [])
        }
    }

    /// Amounts are compared as amounts. Extended resources are others' to add; what is ours and no longer there is
    /// removed.
    private static func resources(from old: JSONValue?, to new: JSONValue) -> JSONValue? {
        var change: [String: JSONValue] = [:]
        for (name, value) in new.fields ?? [:] {
            guard let text = value.text, let amount = try? Quantity(parsing: text) else { continue }
            let known = old?[name]?.text.flatMap { try? Quantity(parsing: $0) }
            if known != amount { change[name] = value }
        }
        for name in (old?.fields ?? [:]).keys where new[name] == nil && name.hasPrefix("hugepages-") {
            change[name] = .null
        }
        return JSONValue.object(change).ifNotEmpty
    }

    /// Objects field by field, everything else whole.
    private static func merge(from old: JSONValue?, to new: JSONValue, removing: [String]) -> JSONValue? {
        guard let fields = new.fields, let known = old?.fields else {
            // A server may leave out what is empty.
            return old == new || old == .none && new == "" ? .none : .some(new)
        }
        var change: [String: JSONValue] = [:]
        for (name, value) in fields {
            change[name] = merge(from: known[name], to: value, removing: [])
        }
        for name in removing where known[name] != nil && fields[name] == nil { change[name] = .null }
        return JSONValue.object(change).ifNotEmpty
    }

    private static func isEmpty(_ list: JSONValue?) -> Bool { (list?.elements ?? []).isEmpty }
}

extension JSONValue {
    /// Nil: an object without a field. Never written with `nil`, which may as well be JSON's null.
    fileprivate var ifNotEmpty: JSONValue? { fields?.isEmpty == true ? .none : .some(self) }
}

extension NodeDocument {
    /// Only conditions: a companion's.
    var isPartial: Bool { (status.fields ?? [:]).isEmpty }
}

extension NodeDocument.Condition {
    /// With its type; nil: there is none. As long as the status is the same, so is the time of the last transition, which
    /// the Node knows better than an agent that has just been started.
    fileprivate func difference(from old: JSONValue?) -> JSONValue? {
        guard let old, old["status"]?.text == status.rawValue else {
            var all = object(heartbeat: lastTransitionTime)
            all["lastHeartbeatTime"] = nil
            return all
        }
        var change: JSONValue = ["type": .string(type)]
        if old["reason"]?.text != reason { change["reason"] = .string(reason) }
        if old["message"]?.text != message { change["message"] = .string(message) }
        return change.fields?.count == 1 ? .none : .some(change)
    }
}
