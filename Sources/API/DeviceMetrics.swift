// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

enum FileSystemMetrics {
    static func write(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        let mounts = snapshot.fileSystems.value ?? []
        let families: [(String, String, (FileSystemUsage) -> UInt64)] = [
            ("nodekeep_filesystem_capacity_bytes", "Size of the file system.", \.capacity),
            ("nodekeep_filesystem_available_bytes", "Free for unprivileged users.", \.available),
            ("nodekeep_filesystem_used_bytes", "In use.", \.used),
            ("nodekeep_filesystem_inodes", "Inodes; 0 where they are made as needed.", \.inodes),
            ("nodekeep_filesystem_inodes_free", "Free inodes.", \.inodesFree),
        ]
        for (name, help, value) in families {
            metrics.family(name, .gauge, help) { samples in
                for mount in mounts {
                    guard let usage = mount.usage.value else { continue }
                    samples.add(
                        value(usage),
                        ["mountpoint": mount.mountPoint, "device": mount.source, "fstype": mount.type])
                }
            }
        }
        metrics.family("nodekeep_filesystem_readonly", .gauge, "1 for a file system mounted read-only.") { samples in
            for mount in mounts {
                samples.add(
                    mount.readOnly ? 1 : 0,
                    ["mountpoint": mount.mountPoint, "device": mount.source, "fstype": mount.type])
            }
        }
    }
}

enum NetworkMetrics {
    static func write(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        let interfaces = snapshot.interfaces.value ?? []
        metrics.family("nodekeep_network_up", .gauge, "1 for an interface that is up and running.") { samples in
            for interface in interfaces {
                samples.add(interface.isUp && interface.isRunning ? 1 : 0, ["interface": interface.name])
            }
        }
        let families: [(String, String, (InterfaceCounters) -> UInt64)] = [
            ("nodekeep_network_receive_bytes_total", "Bytes received.", \.receivedBytes),
            ("nodekeep_network_receive_packets_total", "Packets received.", \.receivedPackets),
            ("nodekeep_network_receive_errors_total", "Errors in receiving.", \.receiveErrors),
            ("nodekeep_network_receive_drops_total", "Packets dropped in receiving.", \.receiveDrops),
            ("nodekeep_network_transmit_bytes_total", "Bytes sent.", \.sentBytes),
            ("nodekeep_network_transmit_packets_total", "Packets sent.", \.sentPackets),
            ("nodekeep_network_transmit_errors_total", "Errors in sending.", \.sendErrors),
            ("nodekeep_network_transmit_drops_total", "Packets dropped in sending.", \.sendDrops),
        ]
        for (name, help, value) in families {
            metrics.family(name, .counter, help) { samples in
                for interface in interfaces {
                    guard let counters = interface.counters else { continue }
                    samples.add(value(counters), ["interface": interface.name])
                }
            }
        }
    }
}
