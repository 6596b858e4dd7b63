// SPDX-License-Identifier: Apache-2.0
internal import Access
internal import Gate
internal import NodeStatus

/// `/checkpoint/{namespace}/{pod}/{container}`: the kubelet's route (pkg/kubelet/server/server.go), and where the
/// kubelet's answers are wrong, ours.
enum CheckpointRoute {
    static let prefix = "/checkpoint/"
    static let longestRequestName = 64
    /// Nobody waits longer than a year, and far longer than that could not be added to the time of day.
    static let longestTimeout = Duration.seconds(366 * 86_400)

    /// - Parameter isEnabled: the feature gate `ContainerCheckpoint`.
    static func route(
        _ request: GateRequest, _ identity: Identity, allowedBy: String, isEnabled: Bool
    ) -> Result<CheckpointCall, CheckpointAnswer> {
        guard isEnabled else { return .failure(.featureOff) }
        guard let target = RequestTarget(path: request.path, query: request.query) else {
            return .failure(.badRequest("the path or query holds a malformed escape or a control byte"))
        }
        let names = target.segments.dropFirst()
        guard names.count == 3, names.allSatisfy({ !$0.isEmpty }) else { return .failure(.noSuchRoute) }
        guard request.method == "POST" else { return .failure(.methodNotAllowed) }
        let (namespace, pod, container) = (target.segments[1], target.segments[2], target.segments[3])
        if let problem = problem(namespace: namespace, pod: pod, container: container) {
            return .failure(.badRequest(problem))
        }
        var call = CheckpointCall(
            namespace: namespace, pod: pod, container: container, timeout: nil, isDryRun: false, name: nil,
            peer: request.peer, userAgent: request.header("user-agent"), identity: identity, allowedBy: allowedBy)
        // As the kubelet does it, the last of several counts; unlike there, what is no number is the caller's fault.
        if let text = target.values(of: "timeout").last {
            guard let seconds = Int64(text), seconds >= 0 else { return .failure(.badTimeout) }
            call.timeout = seconds == 0 ? nil : min(.seconds(seconds), longestTimeout)
        }
        if let text = target.values(of: "dryRun").last {
            guard text == "All" else { return .failure(.badRequest("dryRun can only be All")) }
            call.isDryRun = true
        }
        if let text = target.values(of: "request").last {
            guard isRequestName(text) else {
                return .failure(
                    .badRequest(
                        "request must be 1 to \(longestRequestName) letters, digits, dots, dashes and underscores"))
            }
            call.name = text
        }
        return .success(call)
    }

    static func isRequestName(_ text: String) -> Bool {
        (1...longestRequestName).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// What is wrong with a name that no Kubernetes object can have.
    private static func problem(namespace: String, pod: String, container: String) -> String? {
        LabelSyntax.labelProblem(namespace).map { "the namespace \($0)" }
            ?? LabelSyntax.subdomainProblem(pod).map { "the pod name \($0)" }
            ?? LabelSyntax.labelProblem(container).map { "the container name \($0)" }
    }
}
