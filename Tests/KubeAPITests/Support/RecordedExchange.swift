// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import KubeAPI

/// What a kubelet sent and a real API server answered: `KubeTestServer/Wire/NAME.json`.
struct RecordedExchange {
    let uri: String
    let sent: JSONValue
    let code: Int
    let answer: JSONValue

    init(_ name: String) throws {
        let tests = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        let bytes = try CredentialFile.read("\(tests)/KubeTestServer/Wire/\(name).json")
        let exchange = try JSONValue.parse(bytes)
        uri = try #require(exchange["request", "uri"]?.text)
        sent = try #require(exchange["request", "body"])
        code = Int(try #require(exchange["response", "code"]?.integer))
        answer = try #require(exchange["response", "body"])
    }

    var answerText: String { String(decoding: answer.encoded(), as: UTF8.self) }
}

/// Answers in place of an API server, without one.
final class StandIn: KubeCalling {
    typealias Answering = @Sendable (KubeRequest) throws(KubeError) -> KubeAnswer

    private let answering: Answering
    private let log = Mutex<[KubeRequest]>([])

    init(_ answering: @escaping Answering) {
        self.answering = answering
    }

    var requests: [KubeRequest] { log.withLock { $0 } }
    /// `GET /api/v1/nodes/a`, in the order in which they came.
    var calls: [String] { requests.map { "\($0.method.rawValue) \($0.path)" } }

    func send(_ request: KubeRequest) async throws(KubeError) -> KubeAnswer {
        log.withLock { $0.append(request) }
        return try answering(request)
    }
}

/// What went wrong; nil: nothing did.
func problem<Failure: Error, Value>(_ call: () throws(Failure) -> Value) -> Failure? {
    do throws(Failure) {
        _ = try call()
        return nil
    } catch {
        return error
    }
}
