// SPDX-License-Identifier: Apache-2.0

/// What the node has, and what of it pods may use (pkg/kubelet/nodestatus/setters.go MachineInfo,
/// pkg/kubelet/cm/node_container_manager_linux.go).
package struct NodeResources: Equatable, Sendable {
    package var capacity: ResourceList
    package var allocatable: ResourceList
    /// Reservations larger than what there is, in the kubelet's words, which refuses to start with them.
    package var problems: [String]

    /// A resource that has never been read is left out. (The kubelet reports cpu and memory as 0 then.)
    package static func compute(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> NodeResources {
        let capacity = capacity(snapshot, settings)
        let reservation = reservation(capacity, settings)
        var allocatable = ResourceList()
        for (name, quantity) in capacity.entries {
            allocatable[name] = reservation[name].map { floored(quantity - $0) } ?? quantity
        }
        for (name, quantity) in capacity.entries where name.hasPrefix(hugePagePrefix) {
            allocatable["memory"] = allocatable["memory"].map { floored($0 - quantity) }
        }
        return NodeResources(
            capacity: capacity, allocatable: allocatable,
            problems: problems(capacity: capacity, reservation: reservation, snapshot))
    }

    /// What would keep a kubelet with these reservations from starting on this node; empty: nothing.
    package static func validate(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> [String] {
        compute(snapshot, settings).problems
    }

    private static let hugePagePrefix = "hugepages-"

    private static func capacity(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> ResourceList {
        var capacity = ResourceList()
        let cores = snapshot.topology.value?.logical ?? snapshot.known.cpus
        capacity["cpu"] = cores.map { Quantity(milliUnits: saturatingProduct($0, 1_000)) }
        capacity["memory"] = (snapshot.memory.value?.total ?? snapshot.known.memory).map { Quantity(bytes: $0) }
        if settings.localStorageCapacityIsolation {
            capacity["ephemeral-storage"] = (snapshot.nodeFileSystem.value?.capacity ?? snapshot.known.nodeFileSystem)
                .map { Quantity(bytes: $0) }
        }
        for pool in snapshot.hugePages.value ?? snapshot.known.hugePages ?? [] where pool.pageSize > 0 {
            capacity[hugePagePrefix + Quantity(bytes: pool.pageSize).description] = Quantity(
                bytes: saturatingProduct(pool.pageSize, pool.count))
        }
        if settings.podsPerCore == 0 {
            capacity["pods"] = Quantity(count: settings.maxPods)
        } else {
            capacity["pods"] = cores.map {
                Quantity(count: min(saturatingProduct($0, settings.podsPerCore), settings.maxPods))
            }
        }
        return capacity
    }

    /// systemReserved + kubeReserved + hard eviction thresholds of memory and of the nodefs.
    private static func reservation(_ capacity: ResourceList, _ settings: NodeSettings) -> ResourceList {
        var (system, kube) = (settings.systemReserved, settings.kubeReserved)
        if let cpus = settings.reservedSystemCPUs {
            system[.cpu] = Quantity(milliUnits: saturatingProduct(cpus, 1_000))
            kube[.cpu] = nil
        }
        var reservation = ResourceList()
        for resource in ReservedResource.allCases {
            let parts = [system[resource], kube[resource], evictionReserve(resource, capacity, settings)]
            reservation[resource.rawValue] = parts.compactMap { $0 }.reduce(nil as Quantity?) { sum, part in
                sum.map { $0 + part } ?? part
            }
        }
        return reservation
    }

    private static func evictionReserve(
        _ resource: ReservedResource, _ capacity: ResourceList, _ settings: NodeSettings
    ) -> Quantity? {
        let signal: EvictionSignal
        switch resource {
        case .memory: signal = .memoryAvailable
        case .ephemeralStorage: signal = .nodefsAvailable
        case .cpu, .pid: return nil
        }
        switch settings.evictionHard.first(where: { $0.signal == signal })?.value {
        case .quantity(let quantity):
            return quantity
        case .fraction:
            guard let total = capacity[resource.rawValue]?.wholeUnits,
                let threshold = settings.evictionHard.first(where: { $0.signal == signal })
            else { return nil }
            return Quantity(bytes: threshold.absolute(capacity: total))
        case nil:
            return nil
        }
    }

    private static func problems(
        capacity: ResourceList, reservation: ResourceList, _ snapshot: NodeSnapshot
    ) -> [String] {
        reservation.entries.compactMap { name, reserved in
            let pids = snapshot.processes.value.map { Quantity(count: $0.maximum) }
            guard let available = name == "pid" ? pids : capacity[name], available < reserved else { return nil }
            return "Resource \"\(name)\" has a reservation of \(reserved) but capacity of \(available). "
                + "Expected capacity >= reservation."
        }
    }

    private static func floored(_ quantity: Quantity) -> Quantity {
        quantity.isNegative ? Quantity(nanoUnits: 0, format: quantity.format) : quantity
    }
}

func saturatingProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? .max : product
}
