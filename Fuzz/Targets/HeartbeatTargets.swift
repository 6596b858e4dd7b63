// SPDX-License-Identifier: Apache-2.0
import Heartbeat
import KubeAPI
import NodeStatus

extension FuzzTarget {
    /// A Lease, a Node or a CertificateSigningRequest as an API server says it is.
    static let kubeObjects = FuzzTarget(name: "kube-objects", maximumLength: 8_192) { bytes in
        guard let object = try? JSONValue.parse(bytes) else { return }
        check((try? JSONValue.parse(object.encoded())) == object, "written again it is the same")
        _ = SigningRequestObject(object).verdict
        for role in [HeartbeatRole.none, .companion, .node] {
            let settings = HeartbeatSettings(
                role: role, nodeName: "node1", installation: "0123456789abcdef", version: "1")
            renew(object, settings)
            report(object, settings)
        }
    }

    /// Whatever the lease is said to be, what is written has our names in it, and nothing is written once it is refused.
    private static func renew(_ object: JSONValue, _ settings: HeartbeatSettings) {
        var machine = LeaseMachine(settings, now: .zero, spread: .zero, random: { 0.5 })
        var now = Duration.zero
        for _ in 0..<8 {
            switch machine.next(now: now, date: noon) {
            case .wait(let until):
                check(until > now, "it rests for a while")
                now = until
            case .findNode: machine.take(.node(uid: "uid"), now: now)
            case .get: machine.take(.lease(object), now: now)
            case .create(let lease), .update(let lease):
                check(lease["spec", "holderIdentity"]?.text?.isEmpty == false, "somebody holds it")
                check(lease["spec", "renewTime"]?.text == "2026-11-21T12:00:00.000000Z", "it is renewed now")
                machine.take(.lease(object), now: now)
            case .stop(let reason): return checkLine(reason)
            }
            if let problem = machine.problem { checkLine(problem) }
        }
    }

    private static func report(_ object: JSONValue, _ settings: HeartbeatSettings) {
        var machine = StatusMachine(settings, now: .zero, spread: .zero, random: { 0.5 })
        let node = NodeObject.build(snapshot: NodeSnapshot(time: noon), settings: NodeSettings(), conditions: [])
        machine.offer(NodeDocument(node, settings, shutdown: nil), now: .zero)
        var now = Duration.zero
        for _ in 0..<8 {
            switch machine.next(now: now, date: noon) {
            case .wait(.none): return
            case .wait(.some(let until)): now = max(now, until)
            case .get, .create, .patch: machine.take(.node(object), now: now)
            case .stop(let reason): return checkLine(reason)
            }
            if let problem = machine.problem { checkLine(problem) }
        }
    }

    private static let noon = Timestamp(seconds: 1_795_262_400)
}
