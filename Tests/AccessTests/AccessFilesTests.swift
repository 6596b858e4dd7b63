// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Testing

@testable import Access

@Suite struct AccessFilesTests {
    /// Long after the files were written.
    private let later = Timestamp(seconds: Int64(time(nil)) + 3_600)

    @Test func everythingThatIsWrongAtTheStart() throws {
        var bench = try AccessBench(.policy)
        func failure() -> [String] {
            problems { () throws(AccessProblems) in try AccessControl(bench.configuration, date: today) }
        }
        #expect(failure() == ["authorization: mode: Policy wants the file of the policy"])
        bench.configuration.policyFile = "/nonexistent/policy"
        bench.configuration.clientCAFile = try bench.scratch.write("x", to: "ca.pem")
        bench.configuration.staticTokenFile = try bench.scratch.write("x", to: "tokens.csv")
        bench.configuration.nodekeepTokenFile = try bench.scratch.write("x", to: "tokens.yaml", mode: 0o644)
        #expect(
            failure() == [
                "\(bench.scratch.file("ca.pem")): there is no certificate in it",
                "\(bench.scratch.file("tokens.yaml")): it has mode 0644: only its owner may read it; "
                    + "chmod 0600 \(bench.scratch.file("tokens.yaml"))",
                "\(bench.scratch.file("tokens.csv")):1: 1 columns; at least token, user name and uid are wanted",
                "/nonexistent/policy: No such file or directory",
            ])
        bench.configuration = AccessConfiguration(mode: .webhook)
        #expect(failure() == ["authorization: mode: Webhook wants an API server to ask"])
    }

    @Test func whatChangesCounts() async throws {
        var bench = try AccessBench(.policy)
        let old = try Blueprint.authority("old").issue(by: nil)
        let new = try Blueprint.authority("new").issue(by: nil)
        let alice = try Blueprint.client("alice").issue(by: old).der
        try bench.useAuthorities(old)
        try bench.useStaticTokens("one,bob,1\n")
        try bench.usePolicy("{apiVersion: nodekeep/v1, kind: Policy, rules: []}")
        bench.configuration.nodekeepTokenFile = bench.scratch.file("tokens.yaml")
        let control = try bench.control()
        #expect(
            control.initialNotices.map(\.description) == [
                "\(bench.scratch.file("ca.pem")): read; authorities of clients: 1",
                "\(bench.scratch.file("tokens.yaml")): read; tokens: 0",
                "\(bench.scratch.file("tokens.csv")): read; static tokens: 1",
                "\(bench.scratch.file("policy.yaml")): read; policy rules: 0",
            ])
        #expect(control.refresh(date: later) == AccessRefresh())
        #expect(control.generation == 0)
        #expect(await control.authenticate(certificates: [alice]).identity?.name == "alice")

        try bench.useAuthorities(new)
        var refresh = control.refresh(date: later)
        #expect(refresh.isChanged)
        #expect(
            refresh.notices.map(\.description) == [
                "\(bench.scratch.file("ca.pem")): read; authorities of clients: 1",
                "\(bench.scratch.file("ca.pem")): the authority \"CN=new\" is not valid yet, and lets nobody in",
            ])
        #expect(control.generation == 1)
        // Also what was remembered is gone.
        guard case .rejected = await control.authenticate(certificates: [alice]) else {
            Issue.record("still let in")
            return
        }
        try bench.useStaticTokens("two,bob,1\n")
        #expect(control.refresh(date: later).isChanged)
        #expect(await control.authenticate("Bearer one") == .rejected("the bearer token is not known"))
        #expect(await control.authenticate("Bearer two").identity?.name == "bob")

        // Garbage keeps what was there, and is told once.
        try bench.useAuthorities()
        try bench.useStaticTokens("\0")
        try bench.usePolicy("rules")
        refresh = control.refresh(date: later)
        #expect(!refresh.isChanged)
        #expect(refresh.notices.count == 3)
        #expect(
            refresh.notices.allSatisfy {
                $0.isProblem && $0.description.hasSuffix("; what was read before stays in force")
            })
        #expect(control.refresh(date: later) == AccessRefresh())
        #expect(await control.authenticate("Bearer two").identity?.name == "bob")
        #expect(control.clientAuthorityNames.count == 1)
        let attributes = AccessAttributes(verb: "get", endpoint: .stats)
        #expect(control.cachedDecision(.anonymous, attributes, now: now) == .denied("no rule of the policy allows it"))

        try bench.useStaticTokens("two,bob,1\n")
        refresh = control.refresh(date: later)
        #expect(!refresh.isChanged)
        #expect(
            refresh.notices.map(\.description) == [
                "\(bench.scratch.file("tokens.csv")): it is in order again, and as it was before"
            ])
    }

    @Test func anAuthorityThatHasExpiredIsTold() throws {
        var bench = try AccessBench()
        var blueprint = try Blueprint.authority("root")
        blueprint.notAfter = today.later(-1)
        try bench.useAuthorities(try blueprint.issue(by: nil))
        let notices = try bench.control().initialNotices
        let text = "\(bench.scratch.file("ca.pem")): the authority \"CN=root\" has expired, and lets nobody in"
        #expect(notices.last == AccessNotice(isProblem: true, description: text))
    }
}
