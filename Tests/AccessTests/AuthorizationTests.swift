// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Synchronization
import Testing

@testable import Access

@Suite struct AuthorizationTests {
    private let alice = Identity(name: "alice", groups: ["ops"], method: .x509)
    private let health = AccessAttributes(verb: "get", subresources: ["healthz", "proxy"], path: "/healthz")

    @Test func alwaysAllow() async throws {
        let control = try AccessBench(.alwaysAllow).control()
        #expect(await control.authorize(alice, health, now: now) == .allowed(by: "AlwaysAllow", until: nil))
        #expect(control.cachedDecision(.anonymous, health, now: now) == .allowed(by: "AlwaysAllow", until: nil))
        #expect(control.explain(alice, health) == nil)
    }

    @Test func rootAtTheSocketIsAlwaysAllowed() async throws {
        var bench = try AccessBench(.policy)
        try bench.usePolicy("{apiVersion: nodekeep/v1, kind: Policy, rules: []}")
        let allowed = Decision.allowed(by: "root at the local socket", until: nil)
        let policy = try bench.control()
        #expect(await policy.authorize(.localRoot, health, now: now) == allowed)
        let webhook = try AccessBench(.webhook)
        let control = try webhook.control(access: true)
        #expect(await control.authorize(.localRoot, health, now: now) == allowed)
        #expect(webhook.reviews.asked == [])
        // Nobody else is root.
        for method in AuthenticationMethod.allCases where method != .peer {
            let root = Identity(name: "root", uid: "0", groups: ["system:masters"], method: method)
            #expect(await policy.authorize(root, health, now: now) == .denied("no rule of the policy allows it"))
        }
        #expect(
            await policy.authorize(.localUser(1, group: 0), health, now: now)
                == .denied("no rule of the policy allows it"))
    }

    @Test func rules() async throws {
        var bench = try AccessBench(.policy)
        try bench.usePolicy(
            "{apiVersion: nodekeep/v1, kind: Policy, rules: [{name: h, subjects: {groups: [ops]}, verbs: [get], endpoints: [healthz]}]}"
        )
        let control = try bench.control()
        #expect(await control.authorize(alice, health, now: now) == .allowed(by: "policy rule \"h\"", until: nil))
        #expect(control.cachedDecision(.anonymous, health, now: now) == .denied("no rule of the policy allows it"))
        #expect(control.explain(alice, health)?.isAllowed == true)
    }

    @Test func reviews() async throws {
        let bench = try AccessBench(.webhook)
        let control = try bench.control(access: true)
        #expect(control.cachedDecision(alice, health, now: now) == nil)
        let denied = Decision.denied(
            "SubjectAccessReview denies nodes/healthz: not you; SubjectAccessReview denies nodes/proxy: not you")
        #expect(await control.authorize(alice, health, now: now) == denied)
        bench.reviews.state.withLock { $0.allowed = ["get proxy"] }
        let allowed = Decision.allowed(
            by: "SubjectAccessReview of nodes/proxy: by\\u{1b} me", until: now + .seconds(30))
        #expect(await control.authorize(alice, health, now: now) == allowed)
        #expect(bench.reviews.asked == ["get healthz", "get proxy", "get healthz", "get proxy"])
        bench.reviews.state.withLock { $0.allowed = ["get healthz", "get proxy"] }
        #expect(await control.authorize(alice, health, now: now) != denied)
        #expect(bench.reviews.asked.count == 5)
        // An error ends it, though the next would be allowed.
        bench.reviews.state.withLock { $0.failing = ["get healthz"] }
        #expect(
            await control.authorize(alice, health, now: now)
                == .failed("nodes/healthz could not be reviewed: down\\u{a}"))
        let nothing = AccessAttributes(verb: "get", subresources: [], path: "/")
        #expect(await control.authorize(alice, nothing, now: now) == .denied("there is nothing to ask about"))
    }

    @Test func whatIsKnownIsNotAskedAgain() async throws {
        let bench = try AccessBench(.webhook)
        let control = try bench.control(access: true)
        bench.reviews.state.withLock { state in
            state.known = ["get healthz"]
            state.allowed = ["get healthz"]
        }
        let allowed = Decision.allowed(by: "SubjectAccessReview of nodes/healthz", until: now)
        #expect(control.cachedDecision(alice, health, now: now) == allowed)
        bench.reviews.state.withLock { $0.allowed = ["get proxy"] }
        #expect(control.cachedDecision(alice, health, now: now) == nil)
        #expect(
            await control.authorize(alice, health, now: now)
                == .allowed(by: "SubjectAccessReview of nodes/proxy: by\\u{1b} me", until: now + .seconds(30)))
        #expect(bench.reviews.asked == ["get proxy"])
        bench.reviews.state.withLock { state in
            state.known = ["get healthz", "get proxy"]
            state.allowed = []
        }
        #expect(
            control.cachedDecision(alice, health, now: now)
                == .denied(
                    "SubjectAccessReview denies nodes/healthz: known; SubjectAccessReview denies nodes/proxy: known"))
    }
}
