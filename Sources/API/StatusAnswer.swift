// SPDX-License-Identifier: Apache-2.0
internal import Gate

/// A refusal as a `metav1.Status` (apimachinery/pkg/apis/meta/v1/types.go).
struct StatusAnswer: Encodable {
    private struct Metadata: Encodable {}

    private var kind = "Status"
    private var apiVersion = "v1"
    private var metadata = Metadata()
    private var status = "Failure"
    var code: UInt16
    var reason: String
    var message: String
    var headers: [HeaderField] = []

    private enum CodingKeys: String, CodingKey {
        case kind, apiVersion, metadata, status, code, reason, message
    }

    init(code: UInt16, reason: String, message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }

    static let notFound = StatusAnswer(
        code: 404, reason: "NotFound", message: "there is no such page; / lists what there is")

    static func badRequest(_ message: String) -> StatusAnswer {
        StatusAnswer(code: 400, reason: "BadRequest", message: message)
    }

    /// RFC 9110 section 15.5.6: the answer names what is allowed.
    static func methodNotAllowed(_ method: String) -> StatusAnswer {
        var answer = StatusAnswer(
            code: 405, reason: "MethodNotAllowed", message: "the method \(method) is not allowed here: GET, HEAD")
        answer.headers = [HeaderField("allow", "GET, HEAD")]
        return answer
    }

    func response(to request: GateRequest) -> GateResponse {
        GateResponse(
            id: request.id, status: code,
            headers: [
                HeaderField("content-type", "application/json"), HeaderField("x-content-type-options", "nosniff"),
                HeaderField("cache-control", "no-store"),
            ] + headers,
            body: JSONText.encode(self))
    }
}
