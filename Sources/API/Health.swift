// SPDX-License-Identifier: Apache-2.0

/// One check behind `/healthz`, `/livez` and `/readyz`.
package struct HealthCheck: Equatable, Sendable {
    package var name: String
    /// Nil: it passes. Otherwise why not; the log says it, the answer withholds it, as the kubelet's does.
    package var problem: String?

    package init(name: String, problem: String?) {
        self.name = name
        self.problem = problem
    }
}

/// The checks of one endpoint, worded as the kubelet words them (apiserver/pkg/server/healthz/healthz.go).
struct HealthAnswer: Equatable {
    var status: UInt16
    var body: String

    /// - Parameters:
    ///   - endpoint: `healthz`, `livez` or `readyz`.
    ///   - verbose: list the checks though all pass. A failure always lists them.
    ///   - excluded: names of checks to leave out.
    init(endpoint: String, checks: [HealthCheck], verbose: Bool, excluded: [String]) {
        var lines = ""
        var failed = false
        for check in checks {
            if excluded.contains(check.name) {
                lines += "[+]\(check.name) excluded: ok\n"
            } else if check.problem != nil {
                failed = true
                lines += "[-]\(check.name) failed: reason withheld\n"
            } else {
                lines += "[+]\(check.name) ok\n"
            }
        }
        let unknown = Set(excluded).subtracting(checks.map(\.name)).sorted()
        if !unknown.isEmpty {
            // The names are the client's: only what looks like a check's name is repeated.
            let names = unknown.prefix(8).map {
                "\"\($0.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }.prefix(32))\""
            }
            lines += "warn: some health checks cannot be excluded: no matches for \(names.joined(separator: ","))\n"
        }
        if failed {
            status = 500
            body = lines + "\(endpoint) check failed\n"
        } else {
            status = 200
            body = verbose ? lines + "\(endpoint) check passed\n" : "ok"
        }
    }
}
