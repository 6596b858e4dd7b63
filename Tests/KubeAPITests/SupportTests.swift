// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Synchronization
import Testing

@testable import KubeAPI

@Suite struct OneTimeValueTests {
    @Test func comesOnce() async {
        let value = OneTimeValue<Int>()
        let waiters = (0..<3).map { _ in Task { await value.value() } }
        value.complete(1)
        value.complete(2)
        for waiter in waiters { #expect(await waiter.value == 1) }
        #expect(await value.value() == 1)
    }

    @Test func waitersMayLeave() async {
        let value = OneTimeValue<Int>()
        let leaving = Task { await value.value() }
        let staying = Task { await value.value() }
        leaving.cancel()
        #expect(await leaving.value == nil)
        value.complete(7)
        #expect(await staying.value == 7)
    }

    @Test func cancelledBeforeItWaits() async {
        let value = OneTimeValue<Int>()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await value.value()
        }
        #expect(await task.value == nil)
    }

    @Test func timeIsLimited() async {
        let clock = ManualClock()
        let value = OneTimeValue<Int>()
        let task = Task { await value.value(within: .seconds(5), .manual(clock)) }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(5))
        #expect(await task.value == nil)
        value.complete(3)
        #expect(await value.value(within: .seconds(5), .manual(clock)) == 3)
        #expect(clock.sleeping == 0)
    }
}

@Suite struct SharedCallTests {
    @Test func oneAtATime() async {
        let call = SharedCall<Int>(name: "test")
        let gate = Gate()
        let calls = Counter()
        let first = Task {
            await call.run(within: .seconds(60), .system) {
                gate.wait()
                return calls.next()
            }
        }
        while !call.isUnderWay { await Task.yield() }
        let second = Task { await call.run(within: .seconds(60), .system) { calls.next() } }
        let clock = ManualClock()
        let third = Task { await call.run(within: .seconds(1), .manual(clock)) { calls.next() } }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(1))
        #expect(await third.value == nil)
        gate.open()
        #expect(await first.value == 1)
        // It joined, or came after it.
        let joined = await second.value
        #expect(joined == 1 || joined == 2)
        #expect(!call.isUnderWay)
    }
}

@Suite struct NameResolverTests {
    @Test func systemKnowsThisMachine() throws {
        let addresses = try NameResolver.system("localhost").get()
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
        // Too long to be asked for.
        let name = String(repeating: "x", count: 300)
        #expect(throws: NameResolver.Failure.self) { try NameResolver.system(name).get() }
    }

    /// The first look-up of a name is waited for; when it hangs, nobody starts a second one.
    @Test func hanging() async {
        let gate = Gate()
        let calls = Counter()
        let resolver = NameResolver(host: "h", clock: .testing()) { _ in
            calls.next()
            gate.wait()
            return .success(["192.0.2.1"])
        }
        let gone = Task { await resolver.addresses() }
        while calls.value == 0 { await Task.yield() }
        gone.cancel()
        #expect(await gone.value == .failure(.init(reason: "the resolver gives no answer")))
        let waiting = Task { await resolver.addresses() }
        gate.open()
        #expect(await waiting.value == .success(["192.0.2.1"]))
        #expect(calls.value == 1)
    }

    /// Once there are addresses, a resolver that hangs costs nobody any more than a second.
    @Test func hangingLater() async {
        let gate = Gate()
        let clock = ManualClock()
        let calls = Counter()
        let resolver = NameResolver(host: "h", clock: .manual(clock)) { _ in
            if calls.next() > 1 { gate.wait() }
            return .success(["192.0.2.\(calls.value)"])
        }
        #expect(await resolver.addresses() == .success(["192.0.2.1"]))
        clock.advance(by: .seconds(60))
        let patient = Task { await resolver.addresses() }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(1))
        #expect(await patient.value == .success(["192.0.2.1"]))
        #expect(await resolver.addresses() == .success(["192.0.2.1"]))
        gate.open()
        while await resolver.addresses() != .success(["192.0.2.2"]) { await Task.yield() }
        #expect(calls.value == 2)
    }

    /// After a failure it is not asked again for five seconds while there are addresses, and at once while there are none.
    @Test func failures() async {
        let clock = ManualClock()
        let answers = Mutex<[Result<[String], NameResolver.Failure>]>([
            .failure(.init(reason: "a")), .success(["192.0.2.1"]), .failure(.init(reason: "b")),
            .success(["192.0.2.2"]),
        ])
        let resolver = NameResolver(host: "h", clock: .testing(clock)) { _ in answers.withLock { $0.removeFirst() } }
        #expect(await resolver.addresses() == .failure(.init(reason: "a")))
        #expect(await resolver.addresses() == .success(["192.0.2.1"]))
        clock.advance(by: .seconds(60))
        #expect(await resolver.addresses() == .success(["192.0.2.1"]))
        clock.advance(by: .seconds(4))
        #expect(await resolver.addresses() == .success(["192.0.2.1"]))
        clock.advance(by: .seconds(1))
        #expect(await resolver.addresses() == .success(["192.0.2.2"]))
    }
}

@Suite struct KubeJSONTests {
    private func decode(_ text: String) -> Result<[String: [String]], KubeJSON.Problem> {
        KubeJSON.decode([String: [String]].self, from: Array(text.utf8))
    }

    @Test func bombs() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: KubeJSON.Problem.self) { try decode(deep).get() }
        let wide = "{\"a\":[" + String(repeating: "0,", count: 250_000) + "0]}"
        let bounds = "nested deeper than 64 levels, or more than 200000 values"
        #expect(decode(deep) == .failure(.init(explanation: bounds)))
        #expect(decode(wide) == .failure(.init(explanation: bounds)))
        #expect(KubeJSON.isModest(Array(("\"" + String(repeating: "[,", count: 300_000) + "\"").utf8)))
        #expect(KubeJSON.isModest(Array(#""\"[[""#.utf8)))
    }

    @Test func problemsRepeatNothing() {
        #expect(decode("{\"hunter2") == .failure(.init(explanation: "not JSON")))
        #expect(decode("{\"a\":\"hunter2\"}") == .failure(.init(explanation: "the field a has the wrong type")))
        #expect(decode("\u{0}") == .failure(.init(explanation: "not JSON")))
        #expect(decode("{\"a\":[null]}") == .failure(.init(explanation: "the field a.Index 0 is null")))
    }

    @Test func encodes() throws {
        let bytes = try KubeJSON.encode(["b": "x/y", "a": "\u{1}\""]).get()
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":"\u0001\"","b":"x/y"}"#)
    }
}

@Suite struct RetryPolicyTests {
    /// Fails with these in turn, then succeeds.
    private func run(_ failures: [KubeError], random: Double = 0) async -> (Result<Int, KubeError>, [Duration]) {
        let pauses = Mutex<[Duration]>([])
        let calls = Counter()
        let policy = RetryPolicy(sleep: { pause in pauses.withLock { $0.append(pause) } }, random: { random })
        let result: Result<Int, KubeError>
        do throws(KubeError) {
            result = .success(
                try await policy.run { () async throws(KubeError) -> Int in
                    let call = calls.next()
                    if failures.indices.contains(call - 1) { throw failures[call - 1] }
                    return call
                })
        } catch {
            result = .failure(error)
        }
        return (result, pauses.withLock { $0 })
    }

    private let broken = KubeError(.connectionLost, "x")

    @Test func pauses() async {
        let (result, pauses) = await run(Array(repeating: broken, count: 9))
        #expect(result == .failure(broken))
        #expect(pauses == [.milliseconds(500), .milliseconds(750), .milliseconds(1_125), .microseconds(1_687_500)])
        let (later, jittered) = await run([broken, broken], random: 1)
        #expect(later == .success(3))
        #expect(jittered == [.milliseconds(600), .milliseconds(900)])
    }

    @Test(arguments: [
        (KubeError(.status, "", httpStatus: 429), true), (KubeError(.status, "", httpStatus: 500), true),
        (KubeError(.status, "", httpStatus: 504), true), (KubeError(.status, "", httpStatus: 503), false),
        (KubeError(.status, "", httpStatus: 503, retryAfter: .zero), true),
        (KubeError(.status, "", httpStatus: 401), false), (KubeError(.status, "", httpStatus: 403), false),
        (KubeError(.status, "", httpStatus: 500, status: KubeStatus(reason: "ServerTimeout", message: "")), false),
        (KubeError(.timeout, ""), false), (KubeError(.tls, ""), false), (KubeError(.connect, ""), false),
        (KubeError(.cancelled, ""), false), (KubeError(.malformedAnswer, ""), false),
        (KubeError(.connectionLost, ""), true),
    ])
    func whatIsTriedAgain(error: KubeError, isRetried: Bool) async {
        let (result, pauses) = await run([error])
        #expect(result == (isRetried ? .success(2) : .failure(error)))
        #expect(pauses.count == (isRetried ? 1 : 0))
    }

    @Test func serversAreHeeded() async {
        let error = KubeError(.status, "", httpStatus: 429, retryAfter: .seconds(2))
        #expect(await run([error]).1 == [.seconds(2)])
        // Longer than somebody would wait here.
        let long = KubeError(.status, "", httpStatus: 429, retryAfter: .seconds(11))
        let (result, pauses) = await run([long])
        #expect(result == .failure(long))
        #expect(pauses.isEmpty)
    }

    @Test func cancelledInAPause() async {
        let policy = RetryPolicy(sleep: { _ in throw CancellationError() })
        let calls = Counter()
        let broken = broken
        await #expect(throws: broken) {
            try await policy.run { () async throws(KubeError) -> Int in
                calls.next()
                throw broken
            }
        }
        #expect(calls.value == 1)
    }
}
