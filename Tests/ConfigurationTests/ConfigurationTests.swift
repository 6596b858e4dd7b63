// SPDX-License-Identifier: Apache-2.0

import Configuration
import NodeStatus
import Testing

@Suite struct ConfigurationTests {
    @Test("Without a file and flags everything has its default", arguments: [nil, "", "{}", "# nothing\n"])
    func defaults(yaml: String?) throws {
        let configuration = try accepted(yaml)
        #expect(configuration == Configuration())
        #expect(configuration.node == NodeSettings())
        #expect(configuration.localAddress.description == "127.0.0.1")
        #expect(configuration.localPort == 10_281)
        #expect(configuration.socketPath == "/run/nodekeep/nodekeep.sock")
        #expect(configuration.imageDirectory == "/var/lib/kubelet")
    }

    @Test(
        "An ordinary user's places are that user's",
        arguments: [
            (["HOME": "/home/u"], "/home/u/.local/state/nodekeep", "/home/u/.local/state/nodekeep/run"),
            (
                ["HOME": "/home/u", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/1"], "/s/nodekeep",
                "/run/user/1/nodekeep"
            ),
            (
                ["HOME": "/home/u", "XDG_STATE_HOME": "relative", "XDG_RUNTIME_DIR": ""],
                "/home/u/.local/state/nodekeep",
                "/home/u/.local/state/nodekeep/run"
            ),
            (["HOME": "/"], "/.local/state/nodekeep", "/.local/state/nodekeep/run"),
        ])
    func places(environment: [String: String], state: String, run: String) throws {
        let configuration = try #require(resolve(nil, isRoot: false, environment: environment).configuration)
        #expect(configuration.stateDirectory == state)
        #expect(configuration.runDirectory == run)
        #expect(configuration.socketPath == run + "/nodekeep.sock")
        #expect(configuration.rootDirectory == "/var/lib/kubelet")
    }

    @Test("A user without a home must say where the state goes")
    func homeless() {
        #expect(resolve(nil, isRoot: false).problems.map(\.field) == ["--state-dir"])
        #expect(resolve(nil, flags: FlagValues(stateDir: "/s"), isRoot: false).configuration?.runDirectory == "/s/run")
    }

    @Test("Flags win over the file")
    func flags() throws {
        let yaml = """
            rootDir: /f
            stateDir: /f-state
            runDir: /f-run
            socket: /f
            containerRuntimeEndpoint: /f
            hostnameOverride: f
            nodeIP: 10.0.0.1
            localAddress: 127.0.0.2
            localPort: 1
            logging: {verbosity: 1}
            """
        let fromFile = try accepted(yaml)
        #expect(fromFile.rootDirectory == "/f")
        #expect(fromFile.containerRuntimeEndpoint == "unix:///f")
        #expect(fromFile.localPort == 1)
        let flags = FlagValues(
            rootDir: "/g/", stateDir: "/s", runDir: "//r", containerRuntimeEndpoint: "unix:///g",
            hostnameOverride: " G ",
            nodeIP: "2001:db8::1,010.0.0.2", localAddress: "::1", localPort: "0", socket: "/g", v: "10")
        let configuration = try #require(resolve(yaml, flags: flags).configuration)
        var expected = Configuration()
        expected.rootDirectory = "/g"
        expected.stateDirectory = "/s"
        expected.runDirectory = "/r"
        expected.socketPath = "/g"
        expected.containerRuntimeEndpoint = "unix:///g"
        expected.imageDirectory = "/g"
        expected.checkpointDirectory = "/g/checkpoints"
        expected.node.hostnameOverride = "g"
        expected.node.nodeIPs = try [#require(IPAddress("2001:db8::1")), #require(IPAddress("10.0.0.2"))]
        expected.node.runtimeConfigured = true
        expected.localAddress = try #require(IPAddress("::1"))
        expected.localPort = 0
        expected.verbosity = 10
        #expect(configuration == expected)
    }

    @Test(
        "The runtime is the one that is configured, or the first whose socket is there",
        arguments: [
            (
                nil, ["/run/crio/crio.sock", "/run/cri-dockerd.sock"], "unix:///run/crio/crio.sock",
                "/var/lib/containers/storage"
            ),
            (
                nil, ["/run/containerd/containerd.sock", "/run/crio/crio.sock"],
                "unix:///run/containerd/containerd.sock",
                "/var/lib/containerd"
            ),
            ("", ["/run/cri-dockerd.sock"], "unix:///run/cri-dockerd.sock", "/var/lib/docker"),
            ("/x/crio.sock", ["/run/containerd/containerd.sock"], "unix:///x/crio.sock", "/var/lib/containers/storage"),
            ("unix:///x/own.sock", [], "unix:///x/own.sock", "/var/lib/kubelet"),
            (nil, [], nil, "/var/lib/kubelet"),
        ] as [(String?, [String], String?, String)])
    func runtime(given: String?, there: [String], endpoint: String?, images: String) throws {
        let flags = FlagValues(containerRuntimeEndpoint: given)
        let configuration = try #require(resolve(nil, flags: flags) { there.contains($0) }.configuration)
        #expect(configuration.containerRuntimeEndpoint == endpoint)
        #expect(configuration.imageDirectory == images)
        #expect(configuration.node.runtimeConfigured == (endpoint != nil))
        #expect(configuration.containerRuntimeSocket == endpoint.map { String($0.dropFirst(7)) })
    }

    static func hard(_ yaml: String) throws -> [String: String] {
        let document = try accepted(yaml).document()
        guard case .object(let fields)? = document["evictionHard"] else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: fields.map { field in
                if case .string(let text) = field.value { (field.name, text) } else { (field.name, "") }
            })
    }

    @Test("Any evictionHard replaces all defaults, unless they are to be merged; 0% and 100% turn a signal off")
    func evictionHard() throws {
        let defaults = [
            "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%",
            "imagefs.available": "15%",
            "imagefs.inodesFree": "5%", "pid.available": "10%",
        ]
        #expect(try Self.hard("") == defaults)
        #expect(try Self.hard("evictionHard:") == defaults)
        #expect(try Self.hard("evictionHard: {}") == [:])
        #expect(try Self.hard("evictionHard: {memory.available: 1Gi}") == ["memory.available": "1Gi"])
        #expect(try Self.hard("evictionHard: {memory.available: 100}") == ["memory.available": "100"])
        #expect(
            try Self.hard("evictionHard: {memory.available: 0%, nodefs.available: 1%}") == ["nodefs.available": "1%"])
        let merged = try Self.hard("evictionHard: {memory.available: 100%}\nmergeDefaultEvictionSettings: true")
        #expect(merged == defaults.filter { $0.key != "memory.available" })
    }

    @Test("Soft thresholds have their grace, and both kinds their minimum reclaim")
    func evictionSoft() throws {
        let node = try accepted(
            """
            evictionHard: {memory.available: 1Gi}
            evictionSoft: {memory.available: 2Gi, nodefs.available: 20%}
            evictionSoftGracePeriod: {memory.available: 90s, nodefs.available: 0s, pid.available: 1m}
            evictionMinimumReclaim: {memory.available: 500Mi, imagefs.available: 1%}
            """
        ).node
        #expect(node.evictionHard.map(\.minimumReclaim) == [.quantity(Quantity(bytes: 500 << 20))])
        #expect(node.evictionSoft.map(\.signal) == [.memoryAvailable, .nodefsAvailable])
        #expect(node.evictionSoft.map(\.grace) == [.seconds(90), .zero])
        #expect(node.evictionSoft.first?.minimumReclaim == .quantity(Quantity(bytes: 500 << 20)))
    }

    @Test(
        "The report frequency is 5m, or the update frequency where only that is set; zero is not set",
        arguments: [
            ("", 300, 10), ("nodeStatusUpdateFrequency: 20s", 20, 20), ("nodeStatusReportFrequency: 1m", 60, 10),
            ("nodeStatusUpdateFrequency: 20s\nnodeStatusReportFrequency: 1m", 60, 20),
            ("nodeStatusUpdateFrequency: 0s\nnodeStatusReportFrequency: 0s", 300, 10),
        ])
    func frequencies(yaml: String, report: Int, update: Int) throws {
        for prefix in ["", kubelets] {
            let configuration = try accepted(prefix + yaml)
            #expect(configuration.node.statusReportFrequency == .seconds(report))
            #expect(configuration.statusUpdateFrequency == .seconds(update))
        }
    }

    @Test("Transition periods: zero for all conditions is 5m, for one it is at once")
    func transitions() throws {
        let node = try accepted(
            "evictionPressureTransitionPeriod: 0s\nevictionPressureTransitionPeriods: {DiskPressure: 0s}"
        ).node
        #expect(node.transitionPeriod(of: .memoryPressure) == .seconds(300))
        #expect(node.transitionPeriod(of: .diskPressure) == .zero)
    }

    @Test(
        "CPUs of the system are counted once",
        arguments: [("0-3,8", 5, "0-3,8"), ("8,0-3,2-5", 7, "0-5,8"), ("0,1,2", 3, "0-2"), ("7", 1, "7")])
    func cpus(text: String, count: UInt64, canonical: String) throws {
        let configuration = try accepted("reservedSystemCPUs: \"\(text)\"")
        #expect(configuration.node.reservedSystemCPUs == count)
        #expect(configuration.reservedSystemCPUs == canonical)
    }

    @Test("A kubelet's maxPods of zero is 110")
    func maxPods() throws {
        #expect(try accepted(kubelets + "maxPods: 0").node.maxPods == 110)
        #expect(try accepted(kubelets + "maxPods: 250\npodsPerCore: 10").node.maxPods == 250)
    }

    @Test("How many images are named: 50, all with -1; how long the runtime may take: two minutes, also with 0")
    func runtimeLimits() throws {
        for (yaml, images) in [("", 50), ("nodeStatusMaxImages: -1", -1), ("nodeStatusMaxImages: 0", 0)] {
            #expect(try accepted(kubelets + yaml).node.statusMaxImages == images)
        }
        for (yaml, seconds) in [("", 120), ("runtimeRequestTimeout: 0s", 120), ("runtimeRequestTimeout: 4m", 240)] {
            #expect(try accepted(kubelets + yaml).runtimeRequestTimeout == .seconds(seconds))
        }
        #expect(resolve("nodeStatusMaxImages: -2").problems.map(\.field) == ["nodeStatusMaxImages"])
    }

    static let everything = """
        rootDir: /a//b/
        stateDir: /s
        runDir: /r
        socket: /r/x.sock
        localAddress: ::1
        localPort: 0
        address: 10.0.0.1
        port: 443
        containerRuntimeEndpoint: /run/crio/crio.sock
        logging: {verbosity: 7}
        hostnameOverride: Node-1.Example
        nodeIP: 10.0.0.1, 2001:db8::1
        externalIPs: [203.0.113.7, "2001:db8::7"]
        nodeLabels: {topology.kubernetes.io/zone: "1", example.com/on: "yes", empty: ""}
        registerWithTaints: [{key: a, effect: NoExecute}, {key: example.com/b, value: "5", effect: NoSchedule}]
        providerID: aws:///eu-1/i-0123
        kubeletVersion: v1.36.0-rc.1+nodekeep
        maxPods: 17
        podsPerCore: 3
        systemReserved: {cpu: 0.25, memory: 1.5Gi, pid: 1e3, ephemeral-storage: 10G}
        kubeReserved: {cpu: 100m, memory: 123456789}
        reservedSystemCPUs: 0-3,8
        localStorageCapacityIsolation: false
        evictionHard: {memory.available: 0.1Gi, nodefs.available: 33.33333%, pid.available: 0.00001%}
        evictionSoft: {memory.available: 1Gi, nodefs.inodesFree: 12.345678%}
        evictionSoftGracePeriod: {memory.available: 1m30.5s, nodefs.inodesFree: 0s}
        evictionMinimumReclaim: {memory.available: 0, nodefs.inodesFree: 1.1%, pid.available: 3.3%}
        evictionPressureTransitionPeriod: 1m
        evictionPressureTransitionPeriods: {DiskPressure: 0s, PIDPressure: 1h}
        nodeStatusUpdateFrequency: 3s
        nodeStatusReportFrequency: 7s
        nodeStatusMaxImages: -1
        runtimeRequestTimeout: 90s
        tlsCertFile: /tls/c.pem
        tlsPrivateKeyFile: /tls/k.pem
        tlsMinVersion: VersionTLS13
        tlsCipherSuites: [TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305, TLS_AES_128_GCM_SHA256]
        kubeconfig: /k/config
        authentication:
          anonymous: {enabled: true}
          x509: {clientCAFile: /ca.pem}
          tokenFile: /t
          tokenAuthFile: /t.csv
          webhook: {enabled: true, cacheTTL: 1m}
        authorization:
          mode: Webhook
          policyFile: /p.yaml
          webhook: {cacheAuthorizedTTL: 1s, cacheUnauthorizedTTL: 2s}
        """

    @Test("What `config show` prints is this configuration again", arguments: ["", everything, "evictionHard: {}"])
    func roundTrip(yaml: String) throws {
        let configuration = try accepted(yaml)
        let shown = YAML.text(of: configuration.document())
        #expect(try accepted(shown) == configuration)
        #expect(YAML.text(of: try accepted(shown).document()) == shown)
    }

    @Test(
        "Percentages survive as the very fraction they are", arguments: stride(from: 1, to: 10_000, by: 37).map { $0 })
    func percentages(hundredths: Int) throws {
        let configuration = try accepted("evictionHard: {nodefs.available: \(hundredths / 100).\(hundredths % 100)7%}")
        #expect(try accepted(YAML.text(of: configuration.document())).node == configuration.node)
    }

    @Test("What `config show` prints has every field")
    func complete() throws {
        let document = try accepted(Self.everything).document()
        for field in OwnField.all where !field.name.contains("[") {
            let value = field.name.split(separator: ".").reduce(ConfigurationValue?.some(document)) { $0?[String($1)] }
            // Periods for single conditions are there where they are set.
            #expect(value != nil || field.name.hasSuffix(".MemoryPressure"), "\(field.name)")
        }
    }

    @Test("No cut and no changed byte of a file is more than an error")
    func mutations() {
        let text = Array(Self.everything.utf8)
        for index in stride(from: 0, to: text.count, by: 7) {
            _ = resolve(String(decoding: text[..<index], as: UTF8.self))
            for byte in Array("\"{[-9%: .e\n".utf8) {
                var changed = text
                changed[index] = byte
                let result = resolve(String(decoding: changed, as: UTF8.self))
                #expect((result.configuration == nil) == !result.problems.isEmpty)
            }
        }
    }
}
