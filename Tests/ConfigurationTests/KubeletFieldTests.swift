// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import NodeStatus
import Testing

@Suite struct KubeletFieldTests {
    @Test("No field has two rows, and every row says what it means")
    func rows() {
        #expect(Set(KubeletField.all.map(\.name)).count == KubeletField.all.count)
        for field in KubeletField.all {
            switch field.verdict {
            case .honoured: break
            case .replaced(let text), .irrelevant(let text), .refused(_, let text): #expect(!text.isEmpty)
            }
        }
    }

    @Test("The page of the documentation is the table")
    func documentation() throws {
        let path = "docs/compatibility-kubelet-configuration.md"
        if getenv("UPDATE_GOLDEN") != nil {
            let file = try #require(fopen(packagePath(path), "w"))
            fputs(Self.page, file)
            fclose(file)
        }
        let bytes = try #require(packageFile(path))
        #expect(String(decoding: bytes, as: UTF8.self) == Self.page, "run the tests with UPDATE_GOLDEN=1")
    }

    static let page = """
        # A kubelet's configuration file

        nodekeep takes a kubelet's own file (`kind: KubeletConfiguration`, `apiVersion: kubelet.config.k8s.io/v1beta1`)
        in place of its own. This is what becomes of each field of Kubernetes 1.36; a test holds this page against the
        code's table.

        * **honoured**: means what it means to a kubelet, with its defaults.
        * **replaced**: nodekeep has something of its own instead.
        * **irrelevant**: about something that nodekeep does not do. The fields of these two kinds that a file sets are
          listed in one warning.
        * **refused**: some values are an error, because they could not be kept; the others need nothing to be done.

        A field that is not in this table is an error: what ignoring it would mean cannot be known. So is a value of the
        wrong type, in any field, and a field that is there twice. Durations, quantities and texts are read as a
        kubelet reads them; `yes`, `no`, `on`, `off` and numbers such as `014`, of which YAML 1.1 and 1.2 make different
        things, are texts, and so an error where a boolean or a number belongs.

        Whom a file lets in, and to what, holds for nodekeep's main listener. Where that takes an API server (a kubelet's
        defaults do) and there is no `--kubeconfig`, the main listener is off. What is open without authentication is the
        local listener: read-only pages about the node, for whoever is on the node, whatever the file says;
        `--local-port 0` turns it off.


        """ + KubeletField.markdown

    @Test(
        "What a real kubelet of 1.36 says of its configuration is accepted, with one warning each for what is not for us and for the API server"
    )
    func configz() throws {
        let result = resolve(Self.recorded)
        #expect(result.problems.map(\.description) == [])
        let configuration = try #require(result.configuration)
        #expect(configuration.containerRuntimeEndpoint == "unix:///run/bed/containerd.sock")
        #expect(configuration.imageDirectory == "/var/lib/containerd")
        #expect(configuration.verbosity == 2)
        // The kubelet's ports are the kubelet's.
        #expect(configuration.port == 10_280)
        #expect(configuration.node.evictionHard.map(\.signal).contains(.pidAvailable) == false)
        #expect(result.warnings.count == 2)
        #expect(result.warnings.last?.contains("--kubeconfig") == true)
        #expect(result.warnings.first?.contains("staticPodPath") == true)
        #expect(result.warnings.first?.contains("maxPods") == false)
        #expect(!configuration.access.hasAuthenticator)
        // With it, the kubelet's word holds.
        let asked = resolve(Self.recorded, flags: FlagValues(kubeconfig: "/k"))
        #expect(asked.warnings.count == 1)
        let access = try #require(asked.configuration?.access)
        #expect(access.clientCAFile == "/bed/kc/ca.crt")
        #expect(access.webhookAuthentication && !access.anonymous)
        #expect(access.mode == .webhook)
    }

    /// Of `GET /configz` of a kubelet 1.36.
    static let recorded = """
        {"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1","enableServer":true,\
        "staticPodPath":"/bed/kc/manifests","podLogsDir":"/var/log/pods","syncFrequency":"1m0s",\
        "fileCheckFrequency":"20s","httpCheckFrequency":"20s","address":"0.0.0.0","port":10250,"readOnlyPort":10255,\
        "tlsCertFile":"/var/lib/kubelet/pki/kubelet.crt","tlsPrivateKeyFile":"/var/lib/kubelet/pki/kubelet.key",\
        "authentication":{"x509":{"clientCAFile":"/bed/kc/ca.crt"},"webhook":{"enabled":true,"cacheTTL":"2m0s"},\
        "anonymous":{"enabled":false}},"authorization":{"mode":"Webhook","webhook":{"cacheAuthorizedTTL":"5m0s",\
        "cacheUnauthorizedTTL":"30s"}},"registryPullQPS":5,"registryBurst":10,\
        "imagePullCredentialsVerificationPolicy":"NeverVerifyPreloadedImages","eventRecordQPS":50,"eventBurst":100,\
        "enableDebuggingHandlers":true,"healthzPort":10248,"healthzBindAddress":"127.0.0.1","oomScoreAdj":-999,\
        "streamingConnectionIdleTimeout":"4h0m0s","nodeStatusUpdateFrequency":"10s","nodeStatusReportFrequency":"5m0s",\
        "nodeLeaseDurationSeconds":40,"imageMinimumGCAge":"2m0s","imageMaximumGCAge":"0s",\
        "imageGCHighThresholdPercent":85,"imageGCLowThresholdPercent":80,"volumeStatsAggPeriod":"1m0s",\
        "cgroupsPerQOS":false,"cgroupDriver":"cgroupfs","cpuManagerPolicy":"none","cpuManagerReconcilePeriod":"10s",\
        "memoryManagerPolicy":"None","topologyManagerPolicy":"none","topologyManagerScope":"container",\
        "runtimeRequestTimeout":"2m0s","hairpinMode":"promiscuous-bridge","maxPods":110,"podPidsLimit":-1,\
        "resolvConf":"/etc/resolv.conf","cpuCFSQuota":true,"cpuCFSQuotaPeriod":"100ms","nodeStatusMaxImages":50,\
        "maxOpenFiles":1000000,"contentType":"application/vnd.kubernetes.protobuf","kubeAPIQPS":50,"kubeAPIBurst":100,\
        "serializeImagePulls":true,"evictionHard":{"imagefs.available":"15%","imagefs.inodesFree":"5%",\
        "memory.available":"100Mi","nodefs.available":"10%","nodefs.inodesFree":"5%"},\
        "evictionPressureTransitionPeriod":"5m0s","mergeDefaultEvictionSettings":false,\
        "enableControllerAttachDetach":true,"makeIPTablesUtilChains":true,"iptablesMasqueradeBit":14,\
        "iptablesDropBit":15,"failSwapOn":false,"memorySwap":{},"containerLogMaxSize":"10Mi","containerLogMaxFiles":5,\
        "containerLogMaxWorkers":1,"containerLogMonitorInterval":"10s",\
        "configMapAndSecretChangeDetectionStrategy":"Watch",\
        "volumePluginDir":"/usr/libexec/kubernetes/kubelet-plugins/volume/exec/",\
        "logging":{"format":"text","flushFrequency":"5s","verbosity":2,"options":{"text":{"infoBufferSize":"0"},\
        "json":{"infoBufferSize":"0"}}},"enableSystemLogHandler":true,"enableSystemLogQuery":false,\
        "shutdownGracePeriod":"0s","shutdownGracePeriodCriticalPods":"0s",\
        "crashLoopBackOff":{"maxContainerRestartPeriod":"5m0s"},"enableProfilingHandler":true,\
        "enableDebugFlagsHandler":true,"seccompDefault":false,"memoryThrottlingFactor":0.9,\
        "memoryReservationPolicy":"None","registerNode":true,"localStorageCapacityIsolation":true,\
        "containerRuntimeEndpoint":"unix:///run/bed/containerd.sock",\
        "imageServiceEndpoint":"unix:///run/bed/containerd.sock","failCgroupV1":false}
        """

    static let bad: [(yaml: String, problem: String)] = [
        (
            "cgroupDriverr: systemd",
            "n.yaml:3: cgroupDriverr: there is no field of this name; did you mean cgroupDriver?"
        ),
        ("syncFrequency: 60", "n.yaml:3: syncFrequency: \"60\" is not allowed: a duration such as 1m30s"),
        ("failSwapOn: no", "n.yaml:3: failSwapOn: \"no\" is not allowed: true or false"),
        (
            "authentication:\n  anonymous: true",
            "n.yaml:4: authentication.anonymous: \"true\" is not allowed: a mapping"
        ),
        (
            "authentication:\n  anonymos: {}",
            "n.yaml:4: authentication.anonymos: there is no field of this name; did you mean anonymous?"
        ),
        (
            "authorization: {mode: RBAC}",
            "n.yaml:3: authorization.mode: \"RBAC\" is not allowed: \"\" or \"AlwaysAllow\" or \"Webhook\""
        ),
        (
            "tlsMinVersion: VersionTLS14",
            "n.yaml:3: tlsMinVersion: \"VersionTLS14\" is not allowed: VersionTLS12 or VersionTLS13; "
                + "older ones are broken and not served"
        ),
        (
            "runOnce: true",
            "n.yaml:3: runOnce: \"true\" is not allowed: false; a kubelet of 1.36 refuses it, and nodekeep is "
                + "a service"
        ),
        (
            "stateDir: /x",
            "n.yaml:3: stateDir: a field of nodekeep's own file, not of KubeletConfiguration; "
                + "there is the flag --state-dir"
        ),
        ("nodeLabels: {a: b}", "n.yaml:3: nodeLabels: a field of nodekeep's own file, not of KubeletConfiguration"),
        (
            "reservedSystemCPUs: 0-1\nsystemReservedCgroup: /sys",
            "n.yaml:4: systemReservedCgroup: \"/sys\" is not allowed: not together with reservedSystemCPUs"
        ),
        (
            "memoryThrottlingFactor: .nan",
            "n.yaml:3: memoryThrottlingFactor: \".nan\" is not allowed: a number from 0.0 to 1.0"
        ),
        ("clusterDNS: [a, {b: c}]", "n.yaml:3: clusterDNS[1]: \"a mapping\" is not allowed: a text"),
        (
            "reservedMemory: [{numaNode: x}]",
            "n.yaml:3: reservedMemory[0].numaNode: \"x\" is not allowed: an integer from "
                + "-2147483648 to 2147483647"
        ),
        ("featureGates: {A: 1}", "n.yaml:3: featureGates[\"A\"]: \"1\" is not allowed: true or false"),
        ("staticPodURLHeader: {A: b}", "n.yaml:3: staticPodURLHeader[\"A\"]: \"b\" is not allowed: a list of texts"),
        ("clusterDNS: 10.0.0.1", "n.yaml:3: clusterDNS: \"10.0.0.1\" is not allowed: a list of texts"),
    ]

    @Test("A field of a kubelet's file that cannot be kept is an error", arguments: bad)
    func problems(yaml: String, problem: String) {
        #expect(resolve(kubelets + yaml).problems.map(\.description) == [problem])
    }

    @Test(
        "Without an API server to ask, whom a kubelet lets in is let in nowhere here",
        arguments: [
            "authentication: {anonymous: {enabled: true}}", "authorization: {mode: AlwaysAllow}", "readOnlyPort: 10255",
            "enableServer: false", "authentication: {x509: {clientCAFile: /ca.crt}}", "tlsMinVersion: VersionTLS11",
            "address: 0.0.0.0\nport: 10250", "healthzPort: 0",
        ])
    func access(yaml: String) throws {
        #expect(try accepted(kubelets + yaml) == Configuration())
    }

    @Test("A null is a field that is not set")
    func nulls() throws {
        let lines = KubeletField.all.filter { !$0.name.contains(".") && !$0.name.contains("[") }.map(\.name)
            .filter { $0 != "kind" && $0 != "apiVersion" }
        let result = resolve(kubelets + lines.map { "\($0): null\n" }.joined())
        #expect(result.problems.map(\.description) == [])
        #expect(result.configuration == Configuration())
        #expect(result.warnings.isEmpty)
    }

    @Test(
        "Another kind or version of file is an error",
        arguments: [
            ("kind: KubeletConfiguration", "apiVersion"), ("apiVersion: kubelet.config.k8s.io/v1beta1", "kind"),
            ("kind: Pod\napiVersion: v1", "kind"), ("kind: [a]", "kind"),
            ("kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1", "apiVersion"),
        ])
    func kinds(yaml: String, field: String) {
        #expect(resolve(yaml).problems.map(\.field) == [field])
    }
}
