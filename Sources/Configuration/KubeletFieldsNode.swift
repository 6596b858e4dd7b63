// SPDX-License-Identifier: Apache-2.0

// What a kubelet says of its node: nodekeep's own business, so most of it is honoured.

private let ownClient = "nodekeep's client of the API server has limits of its own"

extension KubeletField {
    static let resources: [KubeletField] = [
        KubeletField("maxPods", Limits.maxPods, .honoured("0 is 110, as in a kubelet")),
        KubeletField("podsPerCore", Limits.maxPods, .honoured("0: no such limit")),
        KubeletField("systemReserved", .textMap, .honoured("`cpu`, `memory`, `ephemeral-storage`, `pid`")),
        KubeletField("kubeReserved", .textMap, .honoured("`cpu`, `memory`, `ephemeral-storage`, `pid`")),
        KubeletField(
            "reservedSystemCPUs", .text,
            .honoured("its size replaces `systemReserved.cpu`; `kubeReserved.cpu` no longer counts")),
        KubeletField("localStorageCapacityIsolation", .bool, .honoured("false: no `ephemeral-storage`")),
        KubeletField(
            "systemReservedCgroup", .text,
            .irrelevant("nodekeep enforces no limits on cgroups; not together with `reservedSystemCPUs`")),
        KubeletField(
            "kubeReservedCgroup", .text,
            .irrelevant("nodekeep enforces no limits on cgroups; not together with `reservedSystemCPUs`")),
        KubeletField(
            "enforceNodeAllocatable", .texts,
            .irrelevant("nodekeep enforces no limits on cgroups, and what is allocatable does not depend on it")),
        KubeletField("failSwapOn", .bool, .irrelevant("nodekeep reports swap and runs with it")),
        KubeletField("failCgroupV1", .bool, .irrelevant("nodekeep reads cgroup v1 and v2")),
    ]

    static let eviction: [KubeletField] = [
        KubeletField(
            "evictionHard", .textMap,
            .honoured(
                "any map replaces all defaults, `0%` and `100%` turn a signal off; sets conditions, evicts nothing")),
        KubeletField(
            "mergeDefaultEvictionSettings", .bool, .honoured("the defaults of signals that `evictionHard` leaves out")),
        KubeletField(
            "evictionSoft", .textMap,
            .honoured("each needs its `evictionSoftGracePeriod`; sets conditions, evicts nothing")
        ),
        KubeletField("evictionSoftGracePeriod", .textMap, .honoured("durations by signal")),
        KubeletField(
            "evictionMinimumReclaim", .textMap, .honoured("how far beyond the threshold a signal must recover")),
        KubeletField("evictionPressureTransitionPeriod", .upToAYear, .honoured("0 is 5m, as in a kubelet")),
        KubeletField("evictionMaxPodGracePeriod", .int32, .irrelevant("nodekeep evicts no pods")),
        KubeletField(
            "kernelMemcgNotification", .bool, .irrelevant("nodekeep reads memory every second")),
    ]

    static let node: [KubeletField] = [
        KubeletField("kind", .text, .honoured("`KubeletConfiguration` is how such a file is told from nodekeep's own")),
        KubeletField("apiVersion", .text, .honoured("`kubelet.config.k8s.io/v1beta1`, nothing else")),
        KubeletField(
            "nodeStatusUpdateFrequency", .upToAYear,
            .honoured("sets the default of `nodeStatusReportFrequency`; nodekeep itself reads the node every second")),
        KubeletField(
            "nodeStatusReportFrequency", .upToAYear,
            .honoured("default 5m, or `nodeStatusUpdateFrequency` where only that is set")),
        KubeletField("nodeStatusMaxImages", Limits.statusImages, .honoured("default 50; -1: all, 0: none")),
        KubeletField("registerWithTaints", .objects, .honoured("shown as the node's taints")),
        KubeletField("registerWithTaints[].key", .text, .honoured("")),
        KubeletField("registerWithTaints[].value", .text, .honoured("")),
        KubeletField(
            "registerWithTaints[].effect", .choice(["NoSchedule", "PreferNoSchedule", "NoExecute"]), .honoured("")),
        KubeletField("providerID", .text, .honoured("`spec.providerID`")),
        KubeletField(
            "containerRuntimeEndpoint", .text, .honoured("empty or absent: the first default socket that is there")),
        KubeletField(
            "runtimeRequestTimeout", .upToAYear,
            .honoured("0 is 2m, as in a kubelet; how long a checkpoint is waited for unless the caller says")),
        KubeletField("registerNode", .bool, .honoured("in role node (`--cluster-role`); default true")),
        KubeletField(
            "nodeLeaseDurationSeconds", Limits.leaseDuration, .honoured("0 is 40, as in a kubelet; at most an hour")),
        KubeletField("contentType", .text, .irrelevant("nodekeep speaks JSON to the API server")),
        KubeletField("kubeAPIQPS", .int32, .irrelevant(ownClient)),
        KubeletField("kubeAPIBurst", .int32, .irrelevant(ownClient)),
        KubeletField("eventRecordQPS", .int32, .irrelevant(ownClient)),
        KubeletField("eventBurst", .int32, .irrelevant(ownClient)),
        KubeletField("podCIDR", .text, .irrelevant("nodekeep gives no pod an address")),
    ]

    static let process: [KubeletField] = [
        KubeletField("logging.verbosity", .int(0...10), .honoured("`--v` wins over it")),
        KubeletField("logging.format", .text, .irrelevant("nodekeep writes to the journal, or lines to stderr")),
        KubeletField("logging.flushFrequency", .text, .irrelevant("nodekeep holds no log lines back")),
        KubeletField("logging.vmodule", .objects, .irrelevant("nodekeep has one verbosity for all its parts")),
        KubeletField("logging.vmodule[].filePattern", .text, .irrelevant("see `logging.vmodule`")),
        KubeletField("logging.vmodule[].verbosity", .int(0...Int64(UInt32.max)), .irrelevant("see `logging.vmodule`")),
        KubeletField("logging.options.text.splitStream", .bool, .irrelevant("nodekeep has one log stream")),
        KubeletField("logging.options.text.infoBufferSize", .text, .irrelevant("nodekeep holds no log lines back")),
        KubeletField("logging.options.json.splitStream", .bool, .irrelevant("nodekeep has one log stream")),
        KubeletField("logging.options.json.infoBufferSize", .text, .irrelevant("nodekeep holds no log lines back")),
        KubeletField("tracing.endpoint", .text, .irrelevant("nodekeep sends no traces")),
        KubeletField("tracing.samplingRatePerMillion", .int32, .irrelevant("nodekeep sends no traces")),
        KubeletField(
            "featureGates", .boolMap,
            .honoured("`ContainerCheckpoint` switches checkpoints on or off; the other gates are a kubelet's")),
        KubeletField(
            "oomScoreAdj", .int(-1_000...1_000), .replaced(by: "`OOMScoreAdjust=` of nodekeep.service")),
        KubeletField("maxOpenFiles", .int(0...Int64.max), .replaced(by: "`LimitNOFILE=` of nodekeep.service")),
        KubeletField("kubeletCgroups", .text, .replaced(by: "the cgroup that systemd gives nodekeep.service")),
        KubeletField("systemCgroups", .text, .irrelevant("nodekeep moves no processes")),
        KubeletField(
            "protectKernelDefaults", .bool, .irrelevant("nodekeep changes no kernel parameters, whatever the value")),
        KubeletField(
            "runOnce", .bool,
            .refused(unless: ["false"], why: "a kubelet of 1.36 refuses it, and nodekeep is a service")),
    ]
}
