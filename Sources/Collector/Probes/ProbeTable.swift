// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The probes by source, so that a source that is set up anew finds the call that hangs and makes no second one.
///
/// Belongs to the collector's thread.
final class ProbeTable {
    typealias FileSystemProbe = Probe<String, FileSystemMeasurement>

    let pool: ProbePool
    private var fileSystems: [String: FileSystemProbe] = [:]
    private var lookups: Probe<String, [IPAddress]>?

    init(_ pool: ProbePool = ProbePool()) { self.pool = pool }

    /// - Parameter source: `nodefs:/var/lib/kubelet`, `statfs:/data`.
    func fileSystem(_ source: String, _ options: CollectorOptions) -> FileSystemProbe {
        if let known = fileSystems[source], known.isRunning { return known }
        fileSystems = fileSystems.filter { $0.value.isRunning }
        let probe = FileSystemProbe(options.clock, options.systemCalls.statfs)
        fileSystems[source] = probe
        return probe
    }

    func lookup(_ options: CollectorOptions) -> Probe<String, [IPAddress]> {
        if let lookups, lookups.isRunning { return lookups }
        let probe = Probe<String, [IPAddress]>(options.clock, options.systemCalls.resolve)
        lookups = probe
        return probe
    }
}
