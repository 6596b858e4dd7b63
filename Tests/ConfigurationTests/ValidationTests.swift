// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite struct ValidationTests {
    /// Values that are wrong in every field of the kind.
    static let wrong: [(shape: String, values: [String])] = [
        (
            "int",
            [
                "many", "-1", "99999999999", "1.5", ".nan", ".inf", "\"1\"", "true", "[1]", "{a: 1}", "1e3", "014",
                "''",
                "9223372036854775808", "0x1FFFFFFFF",
            ]
        ),
        (
            "duration",
            [
                "soon", "5", "-5s", "1", "10000h", "9999999999999999999h", ".nan", "true", "[1s]", "{a: 1s}", "''",
                "5 m", "1d", "5mm", "s",
            ]
        ),
        ("bool", ["yes", "1", "\"true\"", "[true]", "{a: true}", "''", "on"]),
        (
            "path",
            [
                "''", "relative", ".", "/a/../b", "/./a", "[/a]", "{a: b}", "\"/a\\0b\"", "\"/a\\nb\"",
                "/" + String(repeating: "a", count: 5_000), "/" + String(repeating: "b", count: 256), "~", "5",
            ]
        ),
        ("map", ["text", "5", "[a]", "true"]),
        ("list", ["text", "5", "{a: b}", "true", "[[a]]", "[null]"]),
    ]

    static let fields: [(shape: String, names: [String])] = [
        ("int", ["maxPods", "podsPerCore", "localPort", "port", "logging.verbosity"]),
        (
            "duration",
            [
                "evictionPressureTransitionPeriod", "evictionPressureTransitionPeriods.MemoryPressure",
                "evictionPressureTransitionPeriods.DiskPressure", "evictionPressureTransitionPeriods.PIDPressure",
                "nodeStatusUpdateFrequency", "nodeStatusReportFrequency", "runtimeRequestTimeout",
                "evictionSoftGracePeriod.\"pid.available\"",
            ]
        ),
        ("bool", ["mergeDefaultEvictionSettings", "localStorageCapacityIsolation"]),
        ("path", ["rootDir", "stateDir", "runDir", "socket"]),
        (
            "map",
            [
                "evictionHard", "evictionSoft", "evictionSoftGracePeriod", "evictionMinimumReclaim", "systemReserved",
                "kubeReserved", "nodeLabels", "logging", "evictionPressureTransitionPeriods",
            ]
        ),
        ("list", ["externalIPs", "registerWithTaints"]),
    ]

    static let cases: [(field: String, value: String)] = fields.flatMap { kind in
        let values = wrong.first { $0.shape == kind.shape }?.values ?? []
        return kind.names.flatMap { name in values.map { (name, $0) } }
    }

    static func yaml(_ field: String, _ value: String) -> String {
        // `a."b.c"`: the part in quotes is one name.
        let parts = field.split(separator: "\"")
        let names = (parts.first ?? "").split(separator: ".") + parts.dropFirst()
        return names.enumerated().map { String(repeating: "  ", count: $0.offset) + "\($0.element):" }
            .joined(separator: "\n") + " \(value)\n"
    }

    @Test(
        "A value of the wrong type or out of range is refused, with field, value and what is allowed", arguments: cases)
    func shape(field: String, value: String) throws {
        // In a path's place a null is "not set", as everywhere.
        if value == "~" { return }
        let result = resolve(Self.yaml(field, value))
        #expect(result.configuration == nil)
        let problem = try #require(result.problems.first)
        let name = field.split(separator: "\"").first.map { String($0) } ?? ""
        #expect(problem.field.hasPrefix(name.hasSuffix(".") ? String(name.dropLast()) : name))
        #expect(problem.file == "n.yaml")
        #expect(problem.line ?? 0 > 0)
        #expect(!problem.description.contains("\n"))
        #expect(problem.description.contains("is not allowed: "))
    }

    static let more: [(yaml: String, problem: String)] = [
        ("maxPods: many", "n.yaml:1: maxPods: \"many\" is not allowed: an integer from 0 to 1000000"),
        ("maxpods: 5", "n.yaml:1: maxpods: there is no field of this name; did you mean maxPods?"),
        ("zzzzzzzz: 5", "n.yaml:1: zzzzzzzz: there is no field of this name"),
        (
            "cgroupDriver: x",
            "n.yaml:1: cgroupDriver: a field of KubeletConfiguration that nodekeep has no use for: nodekeep "
                + "makes no cgroups for pods"
        ),
        ("\"a\\nb\": 5", "n.yaml:1: \"a\\nb\": there is no field of this name"),
        (
            "logging.verbosity: 5",
            "n.yaml:1: logging.verbosity: there is no field of this name: write it as mappings, each in the other"
        ),
        ("registerWithTaints[0]: 5", "n.yaml:1: registerWithTaints[0]: there is no field of this name"),
        ("- a", "n.yaml:1: a list where fields and their values belong"),
        ("text", "n.yaml:1: a single value where fields and their values belong"),
        ("a: [", "n.yaml:1: not YAML: did not find expected node content while parsing a flow node"),
        (
            "localAddress: 0.0.0.0",
            "n.yaml:1: localAddress: \"0.0.0.0\" is not allowed: a loopback address, such as 127.0.0.1 "
                + "or ::1: this listener asks nobody who they are"
        ),
        ("port: 10281", "n.yaml:1: port: \"10281\" is not allowed: port and localPort must differ"),
        ("port: 0", "n.yaml:1: port: \"0\" is not allowed: an integer from 1 to 65535"),
        (
            "evictionHard: {memory.availabel: 5%}",
            "n.yaml:1: evictionHard[\"memory.availabel\"]: there is no eviction signal of "
                + "this name; did you mean memory.available? allowed: memory.available, allocatableMemory.available, "
                + "nodefs.available, nodefs.inodesFree, imagefs.available, imagefs.inodesFree, containerfs.available, "
                + "containerfs.inodesFree, pid.available"
        ),
        (
            "evictionSoft: {memory.available: 5%}",
            "n.yaml:1: evictionSoft[\"memory.available\"]: \"5%\" is not allowed: every "
                + "soft threshold needs a duration in evictionSoftGracePeriod[\"memory.available\"]"
        ),
        (
            "evictionPressureTransitionPeriods: {Ready: 5m}",
            "n.yaml:1: evictionPressureTransitionPeriods.Ready: there is no field of this name"
        ),
        (
            "registerWithTaints: [{key: a}]",
            "n.yaml:1: registerWithTaints[0].effect: \"\" is not allowed: one of NoSchedule, "
                + "PreferNoSchedule, NoExecute"
        ),
        (
            "registerWithTaints: [{key: a, effect: Never}]",
            "n.yaml:1: registerWithTaints[0].effect: \"Never\" is not allowed: "
                + "\"NoSchedule\" or \"PreferNoSchedule\" or \"NoExecute\""
        ),
        (
            "registerWithTaints: [{key: a, effect: NoExecute}, {key: a, effect: NoExecute}]",
            "n.yaml:1: registerWithTaints[1]: \"a\" is not allowed: each key once for each effect"
        ),
        (
            "registerWithTaints: [{key: a, effect: NoExecute, timeAdded: x}]",
            "n.yaml:1: registerWithTaints[0].timeAdded: there is no field of this name"
        ),
        (
            "externalIPs: [192.0.2.1, 192.0.2.1]",
            "n.yaml:1: externalIPs[1]: \"192.0.2.1\" is not allowed: each address once"
        ),
        (
            "evictionSoft: {pid.available: 5%}\nevictionSoftGracePeriod: {pid.available: x}",
            "n.yaml:2: evictionSoftGracePeriod[\"pid.available\"]: \"x\" is not allowed: a duration from 0s to "
                + "8760h0m0s, such as 1m30s"
        ),
    ]

    @Test("Messages are one line that says where, what, and what is allowed", arguments: more)
    func message(yaml: String, problem: String) {
        #expect(resolve(yaml).problems.map(\.description) == [problem])
    }

    static let quantities = ["", "-1", "x", "NaN", "1QQ", "1 Gi", "1Gib", "0x10", "1e", "--1", "[1]", "null", "1,5"]
    static let percentages = ["-1%", "101%", "x%", "%", "nan%", "inf%", "1e999%", "0x5%", "5 %"]

    static var inMaps: [(field: String, value: String)] {
        let reserved = [
            "systemReserved.cpu", "kubeReserved.memory", "systemReserved.ephemeral-storage", "kubeReserved.pid",
        ]
        let thresholds = ["evictionHard", "evictionSoft", "evictionMinimumReclaim"]
        var rows: [(field: String, value: String)] = [
            ("evictionHard.\"nodefs.available\"", "0"), ("evictionSoft.\"nodefs.available\"", "0"),
            ("evictionMinimumReclaim.\"memory.available\"", "0%"), ("systemReserved.gpu", "1"),
        ]
        for value in quantities + percentages {
            for field in reserved { rows.append((field, value)) }
            for field in thresholds { rows.append(("\(field).\"memory.available\"", value)) }
        }
        for field in reserved { rows.append((field, "5%")) }
        return rows
    }

    @Test("A quantity or percentage that is none is refused", arguments: inMaps)
    func quantity(field: String, value: String) {
        let grace =
            field.hasPrefix("evictionSoft.")
            ? "evictionSoftGracePeriod: {memory.available: 1m, nodefs.available: 1m}\n" : ""
        let text = value.hasPrefix("[") || value == "null" ? value : "\"\(value)\""
        let problems = resolve(grace + Self.yaml(field, text)).problems
        #expect(problems.count == 1, "\(problems)")
    }

    static let textFields: [(field: String, values: [String])] = [
        (
            "localAddress",
            ["''", "localhost", "10.0.0.1", "'::'", "127.0.0.1:80", "999.0.0.1", "5", "[127.0.0.1]", "127.1", "::1%lo"]
        ),
        ("address", ["localhost", "999.0.0.1", "1.2.3", "::g", "5", "['::']", "0.0.0.0/0"]),
        (
            "nodeIP",
            [
                "x", "127.0.0.1", "::1", "224.0.0.1", "fe80::1", "169.254.1.1", "10.0.0.1,10.0.0.2", "10.0.0.1,x",
                "10.0.0.1,0.0.0.0", "'10.0.0.1,::'", "10.0.0.1,2001:db8::1,10.0.0.3", "','", "[10.0.0.1]", "5",
                "10.0.0.999",
            ]
        ),
        (
            "containerRuntimeEndpoint",
            [
                "tcp://1.2.3.4:5", "npipe:////./pipe/x", "run/x.sock", "unix://run/x.sock", "unix://", "/",
                "unix:///", "[a]", "5", "unix:///a/../b", "/" + String(repeating: "a", count: 120),
            ]
        ),
        ("socket", ["/" + String(repeating: "a/", count: 60) + "s"]),
        ("hostnameOverride", ["a_b", "-a", "a..b", "a b", "é", "::1", "[a]", String(repeating: "a", count: 254)]),
        ("providerID", ["a b", "é", "\"a\\nb\"", "[a]", String(repeating: "a", count: 1_025)]),
        (
            "kubeletVersion",
            [
                "1.36", "v1", "x", "v1.2.3.4", "v01.2.3", "1.2.x", "v1.2.3-", "v1.2.3+", "v1.2.3-01", "1.36.0 ",
                "[1.2.3]",
            ]
            .map { $0.hasPrefix("[") ? $0 : "\"\($0)\"" }
        ),
        (
            "reservedSystemCPUs",
            ["x", "3-1", "-1", "0-", "0,,1", "0-1-2", "1.5", "99999999999999999999", "0-65536", "[0]", "\" 0\""]
        ),
        ("externalIPs", ["[x]", "[127.0.0.1]", "['::']", "[224.0.0.1]", "[fe80::1]", "['']"]),
        (
            "nodeLabels",
            [
                "{'': a}", "{a b: c}", "{a: 'b c'}", "{a/b/c: d}", "{kubernetes.io/role: master}", "{-a: b}",
                "{node-restriction.kubernetes.io/a: b}", "{a: \(String(repeating: "b", count: 64))}", "{a: [b]}",
                "{a: null}",
            ]
        ),
        (
            "registerWithTaints",
            [
                "[{}]", "[{key: 'a b', effect: NoSchedule}]", "[{key: a, value: 'b c', effect: NoSchedule}]", "[a]",
                "[{effect: NoSchedule}]", "[[]]",
                "[" + String(repeating: "{key: a, effect: NoExecute},", count: 65) + "]",
            ]
        ),
    ]

    static let textCases: [(field: String, value: String)] = textFields.flatMap { row in
        row.values.map { (row.field, $0) }
    }

    @Test("An address, a path, a name, a version or a set that is none is refused", arguments: textCases)
    func text(field: String, value: String) throws {
        let result = resolve("\(field): \(value)")
        #expect(!result.problems.isEmpty)
        #expect(result.problems.allSatisfy { $0.field.hasPrefix(field) })
    }

    static let badFlags: [(flags: FlagValues, flag: String)] = [
        (FlagValues(rootDir: ""), "--root-dir"), (FlagValues(rootDir: "x"), "--root-dir"),
        (FlagValues(stateDir: "x"), "--state-dir"), (FlagValues(runDir: "/a/.."), "--run-dir"),
        (FlagValues(containerRuntimeEndpoint: "tcp://x"), "--container-runtime-endpoint"),
        (FlagValues(hostnameOverride: "a_b"), "--hostname-override"), (FlagValues(nodeIP: "x"), "--node-ip"),
        (FlagValues(localAddress: "1.2.3.4"), "--local-address"), (FlagValues(localPort: "x"), "--local-port"),
        (FlagValues(localPort: "-1"), "--local-port"), (FlagValues(localPort: "65536"), "--local-port"),
        (FlagValues(localPort: ""), "--local-port"), (FlagValues(localPort: "99999999999999999999"), "--local-port"),
        (FlagValues(localPort: "1.5"), "--local-port"), (FlagValues(localPort: "10280"), "--local-port"),
        (FlagValues(socket: ""), "--socket"), (FlagValues(v: "x"), "--v"), (FlagValues(v: "11"), "--v"),
        (FlagValues(v: "-1"), "--v"), (FlagValues(v: ""), "--v"), (FlagValues(v: "NaN"), "--v"),
        (FlagValues(runDir: "/" + String(repeating: "a", count: 100)), "--socket"),
    ]

    @Test("A flag's bad value is refused under the flag's name, without a file", arguments: badFlags)
    func flag(flags: FlagValues, flag: String) {
        let problems = resolve("maxPods: 5", flags: flags).problems
        #expect(problems.map(\.field) == [flag])
        #expect(problems.first?.file == nil)
        #expect(problems.first?.description.hasPrefix(flag + ": ") == true)
    }

    @Test("All problems are told at once, flags first, then from top to bottom")
    func all() {
        let problems = resolve("maxPods: x\nnodeIP: y\npodsPerCore: -1\nfoo: 1\n", flags: FlagValues(v: "z")).problems
        #expect(problems.map(\.field) == ["--v", "maxPods", "nodeIP", "podsPerCore", "foo"])
    }

    @Test("A mistake in the file does not hide behind a flag")
    func shadowed() {
        #expect(resolve("rootDir: x", flags: FlagValues(rootDir: "/y")).problems.map(\.field) == ["rootDir"])
    }

    @Test("A file full of nonsense gives a hundred lines and one that says so")
    func flood() {
        let problems = resolve((0..<20_000).map { "field\($0): 1\n" }.joined()).problems
        #expect(problems.count == 101)
        #expect(problems.last?.description.hasSuffix("more than 100 problems, no more are shown") == true)
    }
}
