// SPDX-License-Identifier: Apache-2.0

// What a kubelet does to pods, containers, images and volumes. Nodekeep does none of it, so that none of these can be
// weakened by being ignored: there is nothing that they would have held back.

private let noPods = "nodekeep runs no pods"
private let noImages = "nodekeep pulls and removes no images"
private let noVolumes = "nodekeep mounts no volumes"
private let noLogs = "nodekeep writes and rotates no container logs"
private let noCgroups = "nodekeep makes no cgroups for pods"
private let noPinning = "nodekeep gives no CPUs, memory or devices to pods"
private let noNetwork = "nodekeep sets up no pod network"
private let noShutdown = "nodekeep ends no pods at shutdown and holds none up"

extension KubeletField {
    static let workloads: [KubeletField] = [
        KubeletField("staticPodPath", .text, .irrelevant(noPods)),
        KubeletField("staticPodURL", .text, .irrelevant(noPods)),
        KubeletField("staticPodURLHeader", .textListMap, .irrelevant(noPods)),
        KubeletField("syncFrequency", .anyDuration, .irrelevant(noPods)),
        KubeletField("fileCheckFrequency", .anyDuration, .irrelevant(noPods)),
        KubeletField("httpCheckFrequency", .anyDuration, .irrelevant(noPods)),
        KubeletField("podPidsLimit", .int(Int64.min...Int64.max), .irrelevant(noPods)),
        KubeletField("allowedUnsafeSysctls", .texts, .irrelevant(noPods)),
        KubeletField("seccompDefault", .bool, .irrelevant(noPods)),
        KubeletField("configMapAndSecretChangeDetectionStrategy", .text, .irrelevant(noPods)),
        KubeletField("crashLoopBackOff.maxContainerRestartPeriod", .anyDuration, .irrelevant(noPods)),
        KubeletField("userNamespaces.idsPerPod", .int(Int64.min...Int64.max), .irrelevant(noPods)),

        KubeletField("registryPullQPS", .int32, .irrelevant(noImages)),
        KubeletField("registryBurst", .int32, .irrelevant(noImages)),
        KubeletField("serializeImagePulls", .bool, .irrelevant(noImages)),
        KubeletField("maxParallelImagePulls", .int32, .irrelevant(noImages)),
        KubeletField("imagePullCredentialsVerificationPolicy", .text, .irrelevant(noImages)),
        KubeletField("preloadedImagesVerificationAllowlist", .texts, .irrelevant(noImages)),
        KubeletField("imageMinimumGCAge", .anyDuration, .irrelevant(noImages)),
        KubeletField("imageMaximumGCAge", .anyDuration, .irrelevant(noImages)),
        KubeletField("imageGCHighThresholdPercent", .int32, .irrelevant(noImages)),
        KubeletField("imageGCLowThresholdPercent", .int32, .irrelevant(noImages)),
        KubeletField("imageServiceEndpoint", .text, .irrelevant(noImages)),

        KubeletField("volumeStatsAggPeriod", .anyDuration, .irrelevant(noVolumes)),
        KubeletField("volumePluginDir", .text, .irrelevant(noVolumes)),
        KubeletField("enableControllerAttachDetach", .bool, .irrelevant(noVolumes)),

        KubeletField("podLogsDir", .text, .irrelevant(noLogs)),
        KubeletField("containerLogMaxSize", .text, .irrelevant(noLogs)),
        KubeletField("containerLogMaxFiles", .int32, .irrelevant(noLogs)),
        KubeletField("containerLogMaxWorkers", .int32, .irrelevant(noLogs)),
        KubeletField("containerLogMonitorInterval", .anyDuration, .irrelevant(noLogs)),

        KubeletField("cgroupRoot", .text, .irrelevant(noCgroups)),
        KubeletField("cgroupsPerQOS", .bool, .irrelevant(noCgroups)),
        KubeletField("cgroupDriver", .text, .irrelevant(noCgroups)),
        KubeletField("qosReserved", .textMap, .irrelevant(noCgroups)),
        KubeletField("cpuCFSQuota", .bool, .irrelevant(noCgroups)),
        KubeletField("cpuCFSQuotaPeriod", .anyDuration, .irrelevant(noCgroups)),
        KubeletField("singleProcessOOMKill", .bool, .irrelevant(noCgroups)),
        KubeletField("memorySwap.swapBehavior", .text, .irrelevant(noCgroups)),
        KubeletField("memoryThrottlingFactor", .number(0...1), .irrelevant(noCgroups)),
        KubeletField("memoryReservationPolicy", .text, .irrelevant(noCgroups)),

        KubeletField("cpuManagerPolicy", .text, .irrelevant(noPinning)),
        KubeletField("cpuManagerPolicyOptions", .textMap, .irrelevant(noPinning)),
        KubeletField("cpuManagerReconcilePeriod", .anyDuration, .irrelevant(noPinning)),
        KubeletField("memoryManagerPolicy", .text, .irrelevant(noPinning)),
        KubeletField("topologyManagerPolicy", .text, .irrelevant(noPinning)),
        KubeletField("topologyManagerPolicyOptions", .textMap, .irrelevant(noPinning)),
        KubeletField("topologyManagerScope", .text, .irrelevant(noPinning)),
        KubeletField("reservedMemory", .objects, .irrelevant(noPinning)),
        KubeletField("reservedMemory[].numaNode", .int32, .irrelevant("see `reservedMemory`")),
        KubeletField("reservedMemory[].limits", .textMap, .irrelevant("see `reservedMemory`")),
        // Not in 1.36 itself; a file for a newer kubelet may have it, and there is nothing to be lost by it.
        KubeletField("draManagerReconcilePeriod", .anyDuration, .irrelevant(noPinning + "; newer than 1.36")),

        KubeletField("clusterDomain", .text, .irrelevant(noNetwork)),
        KubeletField("clusterDNS", .texts, .irrelevant(noNetwork)),
        KubeletField("resolvConf", .text, .irrelevant(noNetwork)),
        KubeletField("hairpinMode", .text, .irrelevant(noNetwork)),
        KubeletField("makeIPTablesUtilChains", .bool, .irrelevant(noNetwork)),
        KubeletField("iptablesMasqueradeBit", .int32, .irrelevant(noNetwork)),
        KubeletField("iptablesDropBit", .int32, .irrelevant(noNetwork)),

        KubeletField("shutdownGracePeriod", .anyDuration, .irrelevant(noShutdown)),
        KubeletField("shutdownGracePeriodCriticalPods", .anyDuration, .irrelevant(noShutdown)),
        KubeletField("shutdownGracePeriodByPodPriority", .objects, .irrelevant(noShutdown)),
        KubeletField(
            "shutdownGracePeriodByPodPriority[].priority", .int32, .irrelevant("see `shutdownGracePeriodByPodPriority`")
        ),
        KubeletField(
            "shutdownGracePeriodByPodPriority[].shutdownGracePeriodSeconds", .int(Int64.min...Int64.max),
            .irrelevant("see `shutdownGracePeriodByPodPriority`")),
    ]
}
