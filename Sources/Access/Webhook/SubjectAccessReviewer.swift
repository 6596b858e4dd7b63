// SPDX-License-Identifier: Apache-2.0
package import KubeAPI

/// SubjectAccessReview with the kubelet's attributes (pkg/kubelet/server/auth.go; the answer's reading after
/// staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go).
package struct SubjectAccessReviewer: AccessReviewing {
    private static let reasonLimit = 1_024

    private let nodeName: String
    private let call: WebhookCall

    /// - Parameters:
    ///   - nodeName: The Node whose subresources are asked for.
    ///   - timeout: For each of the calls that one review may take; nil: the client's own.
    package init(
        _ client: any KubeCalling, nodeName: String, retry: RetryPolicy = RetryPolicy(), timeout: Duration? = nil
    ) {
        self.nodeName = nodeName
        call = WebhookCall(
            client: client, retry: retry, timeout: timeout, kind: SubjectAccessReview.kind,
            apiVersion: SubjectAccessReview.apiVersion, path: SubjectAccessReview.path)
    }

    package func review(
        _ identity: Identity, verb: String, subresource: String
    ) async throws(WebhookFailure) -> AccessVerdict {
        let request = SubjectAccessReview.Request(
            spec: SubjectAccessReview.Request.Spec(
                resourceAttributes: SubjectAccessReview.Request.ResourceAttributes(
                    verb: Self.written(verb), version: "v1", resource: "nodes", subresource: Self.written(subresource),
                    name: Self.written(nodeName)),
                user: Self.written(identity.name), groups: identity.groups.isEmpty ? nil : identity.groups,
                uid: identity.uid.flatMap(Self.written), extra: identity.extra.isEmpty ? nil : identity.extra))
        let answer = try await call.answer(SubjectAccessReview.Answer.self, to: request, secret: nil)
        guard let status = answer.status else { throw failure("the answer has no status") }
        let (isAllowed, isDenied) = (status.allowed ?? false, status.denied ?? false)
        guard !(isAllowed && isDenied) else { throw failure("the answer says both allowed and denied") }
        let reason = ForeignText.line(status.reason ?? "", limit: Self.reasonLimit)
        if isAllowed { return .allowed(reason) }
        guard let error = status.evaluationError, !error.isEmpty else { return .denied(reason) }
        // Not a failure: what could be evaluated gave no right.
        let text = "not all could be evaluated: " + ForeignText.line(error, limit: Self.reasonLimit)
        return .denied(reason.isEmpty ? text : "\(reason); \(text)")
    }

    /// Go leaves out empty texts.
    private static func written(_ text: String) -> String? { text.isEmpty ? nil : text }

    private func failure(_ text: String) -> WebhookFailure {
        WebhookFailure(message: "\(SubjectAccessReview.kind): \(text)")
    }
}
