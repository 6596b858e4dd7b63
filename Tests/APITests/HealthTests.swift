// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import API

@Suite("Health, worded as the kubelet words it")
struct HealthTests {
    let good = [HealthCheck(name: "ping", problem: nil), HealthCheck(name: "collector", problem: nil)]
    let bad = [HealthCheck(name: "ping", problem: nil), HealthCheck(name: "collector", problem: "secret reason")]

    @Test("All is well")
    func ok() {
        let answer = HealthAnswer(endpoint: "livez", checks: good, verbose: false, excluded: [])
        #expect(answer.status == 200 && answer.body == "ok")
    }

    @Test("?verbose lists the checks")
    func verbose() {
        let answer = HealthAnswer(endpoint: "healthz", checks: good, verbose: true, excluded: [])
        #expect(answer.body == "[+]ping ok\n[+]collector ok\nhealthz check passed\n")
    }

    @Test("A failure lists the checks and withholds the reason")
    func failure() {
        let answer = HealthAnswer(endpoint: "readyz", checks: bad, verbose: false, excluded: [])
        #expect(answer.status == 500)
        #expect(answer.body == "[+]ping ok\n[-]collector failed: reason withheld\nreadyz check failed\n")
    }

    @Test("?exclude leaves a check out and names what it does not know, without repeating markup")
    func exclude() {
        let answer = HealthAnswer(
            endpoint: "readyz", checks: bad, verbose: true, excluded: ["collector", "no<script>pe"])
        #expect(answer.status == 200)
        #expect(
            answer.body == """
                [+]ping ok
                [+]collector excluded: ok
                warn: some health checks cannot be excluded: no matches for "noscriptpe"
                readyz check passed

                """)
    }
}
