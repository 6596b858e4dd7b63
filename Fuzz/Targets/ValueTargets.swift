// SPDX-License-Identifier: Apache-2.0

@testable import Checkpoint
@testable import NodeStatus

extension FuzzTarget {
    /// Single values as configurations, flags and the container runtime write them: each text is tried as each.
    static let values = FuzzTarget(name: "values", maximumLength: 300) { bytes in
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        checkAmounts(text)
        checkTimes(text)
        checkAddresses(text)

        for problem in [LabelSyntax.subdomainProblem(text), LabelSyntax.labelProblem(text)] {
            if let problem { checkLine(problem) }
        }
        if LabelSyntax.subdomainProblem(text) == nil { checkName(text) }
        if let taint = try? Taint(parsing: text) { check(!taint.key.isEmpty, "a taint has a key") }
        if let version = RuntimeVersionText.render(text) {
            checkLine(version)
            check(version.utf8.count <= text.utf8.count, "a version is no longer than what it was made of")
            check(RuntimeVersionText.render(version) == version, "a version is what it is: \(version)")
        }
        if let id = JobID(text) { check(id.description == text, "a job's name is written in one way") }
        let name = try? ArchiveName(
            namespace: "default", pod: text, container: "main", time: Timestamp(seconds: 1_795_000_000))
        if let name {
            checkName(text)
            check(name.fileName.utf8.count <= ArchiveName.limit, "a file name is not too long")
        }
    }

    private static func checkAmounts(_ text: String) {
        if let quantity = try? Quantity(parsing: text) {
            guard let again = try? Quantity(parsing: quantity.description) else {
                return check(false, "\(quantity) is a quantity")
            }
            check(again == quantity, "\(quantity) is \(text)")
            _ = (quantity + quantity, quantity - again, quantity.value, quantity.milliValue, quantity.wholeUnits)
        }
        for signal in EvictionSignal.allCases {
            guard let threshold = try? EvictionThreshold.parse(signal: signal.rawValue, value: text) else { continue }
            for capacity in [0, 1 << 30, UInt64.max] {
                check(threshold.absoluteToRecover(capacity: capacity) >= threshold.absolute(capacity: capacity), text)
            }
        }
    }

    private static func checkTimes(_ text: String) {
        if let duration = try? GoDuration.parse(text) {
            let written = GoDuration.format(duration)
            check((try? GoDuration.parse(written)) == duration, "\(written) is \(text)")
        }
        guard let time = Timestamp(rfc3339: text) else { return }
        check(Timestamp(rfc3339: time.rfc3339Nano) == time, "\(time.rfc3339Nano) is \(text)")
        check((0..<1_000_000_000).contains(time.nanoseconds), "a fraction of a second")
    }

    private static func checkAddresses(_ text: String) {
        for sloppy in [false, true] {
            guard let address = IPAddress(text, sloppyIPv4: sloppy) else { continue }
            check(IPAddress(address.description) == address, "\(address) is \(text)")
        }
        if let addresses = try? NodeIPs.parse(text) { check(addresses.count <= 2, "at most one of each family") }
    }
}
