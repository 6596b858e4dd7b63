// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

extension Report {
    /// Who is told that the node lives and how it is, and whether that works.
    struct Lease: Encodable {
        struct Written: Encodable {
            var namespace: String
            var name: String
            var holderIdentity: String
            var leaseDurationSeconds: Int64
            var renewTime: String
        }

        /// A loop of the heartbeat.
        struct Loop: Encodable {
            var lastSuccess: Timestamp?
            var problem: String?

            init(_ view: LoopView) {
                lastSuccess = view.lastSuccess
                problem = view.problem
            }
        }

        /// The client certificate that the agent asks for and renews itself.
        struct Certificate: Encodable {
            var expires: Timestamp?
            var renewal: Timestamp?
            var problem: String?
            /// The CertificateSigningRequest that waits for approval.
            var awaits: String?

            init(_ view: ClientCertificateView) {
                expires = view.expires
                renewal = view.renewal
                problem = view.problem
                awaits = view.awaits
            }
        }

        var role: String
        /// The API server, or the directory of the files.
        var target: String
        var lease: Written?
        var problem: String?
        /// Why neither lease nor status is written any more until the agent is started again.
        var refusal: String?
        /// The agent's own loop that is stuck, so that nothing is renewed.
        var heldBack: String?
        var nodeStatus: Loop
        /// Nil in role none, which has no events.
        var events: Loop?
        var certificate: Certificate?

        init(_ view: HeartbeatView) {
            role = view.role.rawValue
            target = view.target
            lease = view.written.map { lease in
                Written(
                    namespace: lease.namespace, name: lease.name, holderIdentity: lease.holderIdentity,
                    leaseDurationSeconds: lease.leaseDurationSeconds, renewTime: lease.renewTime.rfc3339Micro)
            }
            problem = view.lease.problem
            refusal = view.refusal
            heldBack = view.heldBack
            nodeStatus = Loop(view.status)
            events = view.role == .none ? nil : Loop(view.events.loop)
            certificate = view.certificate.map(Certificate.init)
        }
    }
}
