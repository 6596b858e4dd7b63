// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

extension Report {
    /// What kind of machine this is and how its system fares.
    struct System: Encodable {
        struct Clock: Encodable {
            var synchronized: Bool
            var source: String
        }

        struct Systemd: Encodable {
            var version: String
            var state: String
            var failedUnits: [String]
            var failedUnitCount: UInt64
            var preparingForShutdown: Bool
        }

        struct Hardware: Encodable {
            var chassis: String
            var vendor: String
            var model: String
            var virtualization: String
            var source: String
        }

        var hostname: OrError<String>
        var os: OrError<String>
        var kernel: OrError<String>
        var architecture: OrError<String>
        var machineID: OrError<String>
        var systemUUID: OrError<String>
        var bootID: OrError<String>
        var bootTime: OrError<Timestamp>
        var hardware: OrError<Hardware>
        var clock: OrError<Clock>
        var systemd: OrError<Systemd>

        init(_ snapshot: NodeSnapshot) {
            hostname = OrError(snapshot.hostname, \.self)
            os = OrError(snapshot.identity.osImage, \.self)
            kernel = OrError(snapshot.identity.kernelVersion, \.self)
            architecture = OrError(snapshot.identity.architecture, \.self)
            machineID = OrError(snapshot.identity.machineID, \.self)
            systemUUID = OrError(snapshot.identity.systemUUID, \.self)
            bootID = OrError(snapshot.identity.bootID, \.self)
            bootTime = OrError(snapshot.bootTime, \.self)
            hardware = OrError(snapshot.host) {
                Hardware(
                    chassis: $0.chassis, vendor: $0.vendor, model: $0.model, virtualization: $0.virtualization,
                    source: $0.source)
            }
            clock = OrError(snapshot.clock) { Clock(synchronized: $0.isSynchronized, source: $0.source) }
            systemd = OrError(snapshot.systemd) {
                Systemd(
                    version: $0.version, state: $0.systemState, failedUnits: $0.failedUnits,
                    failedUnitCount: $0.failedUnitCount, preparingForShutdown: $0.isPreparingForShutdown)
            }
        }
    }
}
