// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import Testing

@testable import Access

@Suite struct TokenReviewCacheTests {
    private let clock = ManualClock()
    private let yes = TokenVerdict(user: alice)
    private let no = TokenVerdict(user: nil)

    private func cache(
        _ standIn: StandIn<TokenVerdict>, lifetime: Duration = .seconds(120),
        _ change: (inout VerdictCacheLimits) -> Void = { _ in }
    ) -> TokenReviewCache {
        var limits = VerdictCacheLimits()
        change(&limits)
        return TokenReviewCache(standIn, lifetime: lifetime, limits: limits, clock: .manual(clock))
    }

    @Test func remembersBothAnswers() async throws {
        for verdict in [yes, no] {
            let standIn = StandIn([.success(verdict)])
            let cache = cache(standIn)
            let start = clock.now
            #expect(cache.cached(token: "t", now: start) == nil)
            #expect(try await cache.verdict(token: "t").until == start + .seconds(120))
            clock.advance(by: .milliseconds(119_999))
            #expect(try await cache.review(token: "t") == verdict)
            #expect(cache.cached(token: "t", now: clock.now)?.verdict == verdict)
            #expect(cache.cached(token: "u", now: clock.now) == nil)
            #expect(standIn.calls == ["t"])
            clock.advance(by: .milliseconds(1))
            #expect(cache.cached(token: "t", now: clock.now) == nil)
            _ = try await cache.review(token: "t")
            #expect(standIn.calls.count == 2)
        }
    }

    @Test func failuresAreNotRemembered() async throws {
        let standIn = StandIn([.failure(WebhookFailure(message: "x")), .success(yes)])
        let cache = cache(standIn)
        #expect(await failure { () async throws(WebhookFailure) in try await cache.review(token: "t") } == "x")
        #expect(try await cache.review(token: "t") == yes)
    }

    @Test func nothingIsRememberedForNoTime() async throws {
        let standIn = StandIn([.success(yes)])
        let cache = cache(standIn, lifetime: .zero)
        #expect(try await cache.verdict(token: "t").until == nil)
        _ = try await cache.review(token: "t")
        #expect(standIn.calls.count == 2)
        #expect(cache.usage.entries == 0)
    }

    @Test func lookUpsAreMerged() async throws {
        let held = OneTimeValue<Void>()
        let standIn = StandIn([.success(yes)], held: held)
        let cache = cache(standIn)
        let tasks = (0..<50).map { _ in Task { try await cache.review(token: "t") } }
        // One look-up keeps its time; everybody else waits for it.
        await clock.waitForSleepers(1)
        // Who leaves ends nothing.
        tasks[0].cancel()
        await #expect(throws: WebhookFailure(message: "TokenReview: whoever asked has gone")) {
            try await tasks[0].value
        }
        held.complete(())
        for task in tasks.dropFirst() { #expect(try await task.value == yes) }
        #expect(standIn.calls == ["t"])
    }

    /// The last one that waits may leave: the verdict comes, and is remembered.
    @Test func lookUpsAreDetached() async throws {
        let held = OneTimeValue<Void>()
        let standIn = StandIn([.success(yes)], held: held)
        let cache = cache(standIn)
        let task = Task { try await cache.review(token: "t") }
        await clock.waitForSleepers(1)
        task.cancel()
        _ = await task.result
        held.complete(())
        while cache.cached(token: "t", now: clock.now) == nil { await Task.yield() }
        #expect(cache.usage.lookups == 0)
    }

    @Test func lookUpsEnd() async throws {
        let standIn = StandIn([.success(yes)], held: OneTimeValue<Void>())
        let cache = cache(standIn)
        let task = Task { try await cache.review(token: "t") }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(30))
        await #expect(throws: WebhookFailure(message: "TokenReview: no verdict within 30.0 seconds")) {
            try await task.value
        }
        while cache.usage.lookups > 0 { await Task.yield() }
        #expect(cache.cached(token: "t", now: clock.now) == nil)
    }

    /// A look-up that does not heed the end of its time keeps its place, and its verdict comes too late.
    @Test func lookUpsThatDoNotEnd() async throws {
        let held = OneTimeValue<Void>()
        let standIn = StandIn([.success(yes)], held: held, isDeaf: true)
        let cache = cache(standIn) { $0.lookups = 1 }
        let task = Task { try await cache.review(token: "t") }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(30))
        await #expect(throws: WebhookFailure.self) { try await task.value }
        #expect(cache.usage.lookups == 1)
        let text = await failure { () async throws(WebhookFailure) in try await cache.review(token: "t") }
        #expect(text == "TokenReview: not asked, 1 look-ups are under way")
        held.complete(())
        while cache.usage.lookups > 0 { await Task.yield() }
        #expect(cache.cached(token: "t", now: clock.now) == nil)
        #expect(try await cache.review(token: "t") == yes)
    }

    /// A flood of tokens that nobody has ever seen.
    @Test func lookUpsAreBounded() async throws {
        let held = OneTimeValue<Void>()
        let standIn = StandIn([.success(no)], held: held)
        let cache = cache(standIn) { $0.lookups = 8 }
        let first = (0..<8).map { number in Task { try await cache.review(token: "\(number)") } }
        await clock.waitForSleepers(8)
        for number in 8..<200 {
            let text = await failure { () async throws(WebhookFailure) in try await cache.review(token: "\(number)") }
            #expect(text == "TokenReview: not asked, 8 look-ups are under way")
        }
        // Those that are under way may be joined.
        let joined = Task { try await cache.review(token: "7") }
        held.complete(())
        for task in first + [joined] { #expect(try await task.value == no) }
        #expect(standIn.calls.count == 8)
        #expect(cache.usage.lookups == 0)
        _ = try await cache.review(token: "9")
    }

    @Test func badTokensForgetNoGoodOnes() async throws {
        let standIn = StandIn([.success(yes), .success(no)])
        let cache = cache(standIn) { $0.entries = 16 }
        _ = try await cache.review(token: "good")
        for number in 0..<100 { _ = try await cache.review(token: "\(number)") }
        #expect(cache.cached(token: "good", now: clock.now)?.verdict == yes)
        #expect(cache.usage.entries == 3)
    }

    @Test func bytesAreBounded() async throws {
        let heavy = Identity(name: String(repeating: "x", count: 10_000), method: .webhook)
        let standIn = StandIn([.success(TokenVerdict(user: heavy))])
        let cache = cache(standIn) { $0.bytes = 50_000 }
        for number in 0..<20 { _ = try await cache.review(token: "\(number)") }
        #expect(cache.usage.entries == 4)
        #expect(cache.usage.bytes <= 50_000)
    }

    @Test func forgetsEverything() async throws {
        let held = OneTimeValue<Void>()
        let standIn = StandIn([.success(yes)], held: held)
        let cache = cache(standIn)
        let old = Task { try await cache.review(token: "t") }
        await clock.waitForSleepers(1)
        cache.removeAll()
        // What began before is not what is asked for now.
        let new = Task { try await cache.verdict(token: "t") }
        await clock.waitForSleepers(2)
        held.complete(())
        #expect(try await old.value == yes)
        let until = try #require(try await new.value.until)
        #expect(cache.cached(token: "t", now: clock.now)?.until == until)
        #expect(standIn.calls.count == 2)
        cache.removeAll()
        #expect(cache.cached(token: "t", now: clock.now) == nil)
        #expect(cache.usage.bytes == 0)
    }

    /// What began before everything was forgotten is not remembered.
    @Test func forgetsWhatIsUnderWay() async throws {
        let held = OneTimeValue<Void>()
        let cache = cache(StandIn([.success(yes)], held: held))
        let task = Task { try await cache.verdict(token: "t") }
        await clock.waitForSleepers(1)
        cache.removeAll()
        held.complete(())
        #expect(try await task.value == CachedVerdict(verdict: yes, until: nil))
        #expect(cache.cached(token: "t", now: clock.now) == nil)
    }
}

@Suite struct AccessReviewCacheTests {
    private let clock = ManualClock()

    private func cache(_ standIn: StandIn<AccessVerdict>, nodeName: String = "node1") -> AccessReviewCache {
        AccessReviewCache(standIn, nodeName: nodeName, clock: .manual(clock))
    }

    @Test(arguments: [(AccessVerdict.allowed("r"), 300), (.denied("r"), 30)])
    func remembers(verdict: AccessVerdict, seconds: Int) async throws {
        let standIn = StandIn([.success(verdict)])
        let cache = cache(standIn)
        #expect(cache.cached(alice, verb: "get", subresource: "stats", now: clock.now) == nil)
        #expect(try await cache.review(alice, verb: "get", subresource: "stats") == verdict)
        clock.advance(by: .seconds(seconds) - .nanoseconds(1))
        let known = cache.cached(alice, verb: "get", subresource: "stats", now: clock.now)
        #expect(known == CachedVerdict(verdict: verdict, until: .seconds(seconds)))
        clock.advance(by: .nanoseconds(1))
        #expect(cache.cached(alice, verb: "get", subresource: "stats", now: clock.now) == nil)
        #expect(standIn.calls == ["alice get stats"])
    }

    @Test func everythingThatIsAskedCounts() async throws {
        let standIn = StandIn<AccessVerdict>([.success(.allowed(""))])
        let cache = cache(standIn)
        var identities: [Identity] = [alice]
        for change: (inout Identity) -> Void in [
            { $0.name = "bob" }, { $0.uid = nil }, { $0.groups = ["system:authenticated", "ops"] },
            { $0.groups = ["ops"] },
            { $0.groups = [] }, { $0.extra = [:] }, { $0.extra = ["k": ["v"]] }, { $0.extra = ["k": ["w", "v"]] },
            { $0.groups = ["opssystem:authenticated"] }, { $0.groups = ["ops", "system:authenticated", "k"] },
        ] {
            var identity = alice
            change(&identity)
            identities.append(identity)
        }
        for identity in identities { _ = try await cache.review(identity, verb: "get", subresource: "stats") }
        _ = try await cache.review(alice, verb: "create", subresource: "stats")
        _ = try await cache.review(alice, verb: "get", subresource: "metrics")
        #expect(standIn.calls.count == identities.count + 2)
        #expect(cache.usage.entries == identities.count + 2)
        // How she proved who she is is not asked.
        var same = alice
        same.method = .x509
        #expect(cache.cached(same, verb: "get", subresource: "stats", now: clock.now) != nil)
    }

    /// As the kubelet: 10 000 bytes of attributes are not kept.
    @Test func longAttributes() async throws {
        let fixed = "node1".utf8.count + "v1".utf8.count + "nodes".utf8.count + "get".utf8.count
        for (length, isKept) in [(10_000 - fixed - 1, true), (10_000 - fixed, false)] {
            let cache = cache(StandIn([.success(.allowed(""))]))
            let subresource = String(repeating: "x", count: length)
            let verdict = try await cache.verdict(alice, verb: "get", subresource: subresource)
            #expect((verdict.until != nil) == isKept)
            #expect(cache.usage.entries == (isKept ? 1 : 0))
        }
    }

    @Test func failures() async throws {
        let standIn = StandIn([.failure(WebhookFailure(message: "x")), .success(AccessVerdict.denied("no"))])
        let cache = cache(standIn)
        let text = await failure { () async throws(WebhookFailure) in
            try await cache.review(alice, verb: "get", subresource: "stats")
        }
        #expect(text == "x")
        #expect(try await cache.review(alice, verb: "get", subresource: "stats") == .denied("no"))
        cache.removeAll()
        #expect(cache.cached(alice, verb: "get", subresource: "stats", now: clock.now) == nil)
    }
}

@Suite struct KeyedDigestTests {
    @Test func boundariesCount() {
        let digest = KeyedDigest()
        #expect(digest.value(of: ["ab", "c"]) == digest.value(of: ["ab", "c"]))
        #expect(digest.value(of: ["ab", "c"]) != digest.value(of: ["a", "bc"]))
        #expect(digest.value(of: ["abc"]) != digest.value(of: ["abc", ""]))
        // Another process has another key.
        #expect(KeyedDigest().value(of: ["abc"]) != digest.value(of: ["abc"]))
    }
}
