// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
package import Gate

/// The answer to a checkpoint call: plain text in the kubelet's words where it has any, since clients match on them.
package struct CheckpointAnswer: Error, Equatable, Sendable {
    package var status: UInt16
    package var contentType = "text/plain; charset=utf-8"
    package var headers: [HeaderField] = []
    package var body: String
    /// What became of it, for the audit record; nil: no job has ended with this answer.
    package var ending: Ending?

    package struct Ending: Equatable, Sendable {
        package var outcome: String
        package var archive: String?
        package var sha256: String?
        /// Bytes.
        package var size: UInt64?

        package init(outcome: String, archive: String? = nil, sha256: String? = nil, size: UInt64? = nil) {
            self.outcome = outcome
            self.archive = archive
            self.sha256 = sha256
            self.size = size
        }
    }

    /// The job's id; nil: there is none.
    package var job: String? { headers.first { $0.name == Self.jobName }?.value }

    private static let jobName = "nodekeep-job"

    package init(status: UInt16, headers: [HeaderField] = [], body: String) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    static let featureOff = CheckpointAnswer(status: 404, body: "404 page not found\n")
    static let noSuchRoute = CheckpointAnswer(status: 404, body: "404: Page Not Found")
    static let methodNotAllowed = CheckpointAnswer(
        status: 405, headers: [HeaderField("allow", "POST")], body: "405: Method Not Allowed")
    static let badTimeout = CheckpointAnswer(status: 400, body: "cannot parse value of timeout parameter")

    static func badRequest(_ reason: String) -> CheckpointAnswer {
        CheckpointAnswer(status: 400, body: reason)
    }

    package static let noPod = CheckpointAnswer(status: 404, body: "pod does not exist")

    package static func noContainer(_ name: String) -> CheckpointAnswer {
        CheckpointAnswer(status: 404, body: "container \(name) does not exist")
    }

    /// The archive is there.
    package static func published(path: String, job: String) -> CheckpointAnswer {
        var answer = CheckpointAnswer(status: 200, headers: [jobField(job)], body: #"{"items":[\#(quoted(path))]}"#)
        answer.contentType = "application/json"
        return answer
    }

    /// In the frame that the kubelet puts around every reason.
    package static func failed(_ call: CheckpointCall, status: UInt16, _ reason: String, job: String? = nil)
        -> CheckpointAnswer
    {
        CheckpointAnswer(
            status: status, headers: job.map { [jobField($0)] } ?? [],
            body: "checkpointing of \(call.subject) failed (\(reason))")
    }

    /// Not now: the same call may succeed in so many seconds.
    package static func later(_ call: CheckpointCall, seconds: Int, _ reason: String, job: String? = nil)
        -> CheckpointAnswer
    {
        var answer = failed(call, status: 503, reason, job: job)
        answer.headers.append(HeaderField("retry-after", String(seconds)))
        return answer
    }

    /// Any value as JSON.
    package static func json(_ value: some Encodable) -> CheckpointAnswer {
        var answer = CheckpointAnswer(
            status: 200, body: String(decoding: JSONText.encode(value), as: UTF8.self))
        answer.contentType = "application/json"
        return answer
    }

    package func response(id: UInt64) -> GateResponse {
        GateResponse(
            id: id, status: status,
            headers: [
                HeaderField("content-type", contentType), HeaderField("x-content-type-options", "nosniff"),
                HeaderField("cache-control", "no-store"),
            ] + headers,
            body: Array(body.utf8))
    }

    private static func jobField(_ job: String) -> HeaderField { HeaderField(jobName, job) }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
