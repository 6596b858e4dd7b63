// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization
import Testing
import X509

@testable import Access

@Suite struct AuthenticationTests {
    private let none = Authentication.authenticated(.anonymous, until: nil)

    @Test func anonymousOnlyWhereItIsAllowed() async throws {
        var bench = try AccessBench()
        #expect(try await bench.control().authenticate() == .anonymousRefused)
        #expect(try bench.control().hasAuthenticator == false)
        bench.configuration.allowsAnonymous = true
        let control = try bench.control()
        #expect(await control.authenticate() == none)
        #expect(Identity.anonymous.groups == ["system:unauthenticated"])
        // Nobody reads tokens or certificates here, so they mean nothing.
        #expect(await control.authenticate("Bearer x\0") == none)
        #expect(await control.authenticate(certificates: [[0]]) == none)
        #expect(control.requestsClientCertificate == false)
        #expect(control.clientAuthorityNames == [])
    }

    @Test func aBadCredentialIsNotAnonymous() async throws {
        var bench = try AccessBench()
        bench.configuration.allowsAnonymous = true
        let root = try Blueprint.authority("root").issue(by: nil)
        try bench.useAuthorities(root)
        try bench.useStaticTokens("good,alice,1\n")
        let control = try bench.control()
        #expect(control.requestsClientCertificate)
        #expect(control.clientAuthorityNames.count == 1)
        #expect(await control.authenticate() == none)
        #expect(await control.authenticate("Basic x") == none)
        #expect(await control.authenticate("Bearer  good") == none)
        #expect(await control.authenticate("Bearer bad") == .rejected("the bearer token is not known"))
        #expect(
            await control.authenticate("Bearer good\r\n")
                == .rejected("the Authorization header has control characters in it"))
        let stranger = try Blueprint.client("eve").issue(by: nil).der
        let both = await control.authenticate("Bearer bad", certificates: [stranger])
        #expect(
            both
                == .rejected(
                    "the client certificate \"CN=eve\" is self-signed, and not one of the authorities; "
                        + "the bearer token is not known"))
        // One that is good makes up for one that is bad, and the certificate comes first.
        #expect(await control.authenticate("Bearer good", certificates: [stranger]).identity?.name == "alice")
        let bob = try Blueprint.client("bob").issue(by: root).der
        #expect(await control.authenticate("Bearer bad", certificates: [bob]).identity?.name == "bob")
        #expect(await control.authenticate("Bearer good", certificates: [bob]).identity?.name == "bob")
        // Without a name a good certificate says nothing.
        var nameless = try Blueprint.client("")
        nameless.subject = DistinguishedName()
        nameless.extendedUsage = [.clientAuth]
        #expect(await control.authenticate(certificates: [try nameless.issue(by: root).der]) == none)
    }

    @Test func theSameWithoutWaiting() async throws {
        var bench = try AccessBench()
        let root = try Blueprint.authority("root").issue(by: nil)
        try bench.useAuthorities(root)
        try bench.useStaticTokens("good,alice,1\n")
        let control = try bench.control()
        let bob = try Blueprint.client("bob").issue(by: root).der
        let credentials = Credentials(peer: .tcp, clientCertificates: [bob], authorization: "Bearer good")
        #expect(control.cachedAuthentication(credentials, now: now, date: today) == nil)
        let outcome = await control.authenticate(credentials, now: now, date: today)
        #expect(outcome == .authenticated(try #require(outcome.identity), until: now + .seconds(86_400)))
        #expect(control.cachedAuthentication(credentials, now: now, date: today) == outcome)
        let token = Credentials(peer: .tcp, authorization: "Bearer good")
        #expect(control.cachedAuthentication(token, now: now, date: today)?.identity?.name == "alice")
    }

    @Test func usersAtTheSocket() async throws {
        var bench = try AccessBench()
        try bench.useStaticTokens("good,alice,1\n")
        let control = try bench.control()
        for (user, identity) in [
            (UInt32(0), Identity(name: "root", uid: "0", groups: ["system:masters"], method: .peer)),
            (1_000, Identity(name: "uid:1000", uid: "1000", groups: ["gid:50"], method: .peer)),
            (.max, Identity(name: "uid:4294967295", uid: "4294967295", groups: ["gid:50"], method: .peer)),
        ] {
            // Whatever else it brings.
            let credentials = Credentials(
                peer: .unix(processID: 1, userID: user, groupID: 50), clientCertificates: [[0]],
                authorization: "Bearer good")
            #expect(
                await control.authenticate(credentials, now: now, date: today) == .authenticated(identity, until: nil))
        }
    }

    @Test func nodekeepTokens() async throws {
        var bench = try AccessBench()
        let path = bench.scratch.file("tokens.yaml")
        bench.configuration.nodekeepTokenFile = path
        let store = TokenStore(path, owner: geteuid())
        let forever = try store.create(user: "a", groups: ["g"], expires: nil, date: today)
        let short = try store.create(user: "b", groups: [], expires: today.later(60), date: today)
        let control = try bench.control(token: true)
        #expect(
            await control.authenticate("Bearer " + forever.token).identity?.groups == ["g", "system:authenticated"])
        let outcome = await control.authenticate("Bearer " + short.token)
        #expect(outcome == .authenticated(try #require(outcome.identity), until: now + .seconds(60)))
        let late = Credentials(peer: .tcp, authorization: "Bearer " + short.token)
        let expired = await control.authenticate(late, now: now, date: today.later(60))
        #expect(expired == .rejected("the token \(short.record.id) of \"b\" has expired on 2030-01-01T00:01:00Z"))
        // A token of ours, or what looks like one, is never shown to the webhook.
        _ = try store.revoke(id: forever.record.id)
        let refresh = control.refresh(date: today)
        #expect(refresh.isChanged)
        #expect(await control.authenticate("Bearer " + forever.token) == .rejected("the bearer token is not known"))
        #expect(await control.authenticate("Bearer nkt_") == .rejected("the bearer token is not known"))
        #expect(bench.reviews.asked == [])
    }

    @Test func reviewedTokens() async throws {
        var bench = try AccessBench()
        try bench.useStaticTokens("good,alice,1\n")
        let control = try bench.control(token: true)
        bench.reviews.state.withLock { state in
            // A server that lies about how somebody came, and about who it is.
            state.tokens["bob"] = Identity(name: "bob", groups: ["ops"], method: .peer)
            state.tokens["root"] = Identity(name: "root", groups: ["system:masters"], method: .peer)
            state.tokens["local"] = Identity(name: "uid:0", method: .webhook)
            state.tokens["known"] = Identity(name: "known", method: .webhook)
            state.known = ["known", "unknown"]
        }
        let bob = await control.authenticate("Bearer bob")
        let identity = Identity(name: "bob", groups: ["ops", "system:authenticated"], method: .webhook)
        #expect(bob == .authenticated(identity, until: now + .seconds(120)))
        let root = try #require(await control.authenticate("Bearer root").identity)
        #expect(!root.isLocalRoot)
        guard case .rejected(let reason) = await control.authenticate("Bearer local") else {
            Issue.record("let in")
            return
        }
        #expect(reason.contains("cannot be let in"))
        #expect(await control.authenticate("Bearer eve") == .rejected("the bearer token is not valid"))
        #expect(bench.reviews.asked == ["bob", "root", "local", "eve"])
        // What a file or the cache knows is not asked.
        #expect(await control.authenticate("Bearer good").identity?.name == "alice")
        #expect(await control.authenticate("Bearer known").identity?.name == "known")
        #expect(await control.authenticate("Bearer unknown") == .rejected("the bearer token is not valid"))
        #expect(bench.reviews.asked.count == 4)
        bench.reviews.state.withLock { $0.failure = "no\nconnection" }
        #expect(
            await control.authenticate("Bearer x")
                == .rejected("the bearer token could not be reviewed: no\\u{a}connection"))
        #expect(
            control.cachedAuthentication(Credentials(peer: .tcp, authorization: "Bearer x"), now: now, date: today)
                == nil)
    }

    @Test func theAuthenticatedGroup() {
        func groups(_ name: String, _ groups: String...) -> [String] {
            Identity(name: name, groups: groups, method: .webhook).withAuthenticatedGroup.groups
        }
        #expect(groups("a") == ["system:authenticated"])
        #expect(groups("a", "b") == ["b", "system:authenticated"])
        #expect(groups("a", "system:authenticated") == ["system:authenticated"])
        #expect(groups("a", "system:unauthenticated") == ["system:unauthenticated"])
        #expect(groups("system:anonymous") == [])
        #expect(Identity.supposed("a", groups: ["b"]).groups == ["b", "system:authenticated"])
        #expect(Identity.supposed("uid:1", groups: ["gid:1"]).groups == ["gid:1"])
        #expect(Identity.supposed("root", groups: ["system:masters"]).isLocalRoot == false)
        #expect(Identity.supposed("system:anonymous", groups: ["system:unauthenticated"]) == .anonymous)
    }
}
