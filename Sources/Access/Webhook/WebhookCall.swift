// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI

/// One call of a review API: encode, ask with retries, decode, and hold what came against what was asked for.
struct WebhookCall: Sendable {
    /// Of the answer: a review holds the request again and one user.
    static let answerLimit = 1 << 20

    let client: any KubeCalling
    let retry: RetryPolicy
    /// For each call, nil: the client's own.
    let timeout: Duration?
    /// `TokenReview`, for messages and to know the answer by.
    let kind: String
    let apiVersion: String
    let path: String

    /// - Parameter secret: Must not come back in a message.
    func answer<Answer: Decodable & Sendable>(
        _ type: Answer.Type, to request: some Encodable, secret: Secret?
    ) async throws(WebhookFailure) -> Answer {
        let body: [UInt8]
        switch KubeJSON.encode(request) {
        case .success(let bytes): body = bytes
        case .failure(let problem): throw WebhookFailure(message: "\(kind): \(problem.explanation)")
        }
        var call = KubeRequest(.post, path, body: body)
        call.timeout = timeout
        call.answerLimit = Self.answerLimit
        let request = call
        let client = client
        let answer: KubeAnswer
        do throws(KubeError) {
            answer = try await retry.run { () async throws(KubeError) -> KubeAnswer in try await client.send(request) }
        } catch {
            throw failure(error, secret)
        }
        // A type that is not the one that was asked for decodes as well: all of its fields are optional.
        let head = KubeJSON.decode(Head.self, from: answer.body)
        guard case .success(let head) = head, head.kind == kind, head.apiVersion == apiVersion else {
            throw WebhookFailure(message: "\(kind): the answer is no \(kind) of \(apiVersion)")
        }
        switch KubeJSON.decode(type, from: answer.body) {
        case .success(let answer): return answer
        case .failure(let problem):
            // It names the field that is wrong, and what is in `extra` the server has named.
            let isLeak = secret?.leaks(into: problem.explanation) == true
            let explanation = isLeak ? "the name of a field holds the token" : problem.explanation
            throw WebhookFailure(message: "\(kind): the answer cannot be used: \(explanation)")
        }
    }

    private struct Head: Decodable {
        var kind: String?
        var apiVersion: String?
    }

    private func failure(_ error: KubeError, _ secret: Secret?) -> WebhookFailure {
        if let secret, secret.leaks(into: error.description) {
            let status = error.httpStatus.map { " \($0)" } ?? ""
            return WebhookFailure(
                message:
                    "\(kind): \(error.kind.rawValue)\(status) (the server's words hold the token and are not repeated)")
        }
        let hint =
            switch error.httpStatus {
            case 401: "; nodekeep's own credentials are not accepted: see its kubeconfig"
            case 403: "; nodekeep's own identity needs the ClusterRole system:auth-delegator, or a node's rights"
            default: ""
            }
        return WebhookFailure(message: "\(kind): \(error.description)\(hint)")
    }
}
