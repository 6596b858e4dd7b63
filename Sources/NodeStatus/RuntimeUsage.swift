// SPDX-License-Identifier: Apache-2.0

/// What the running containers and their pods use, for `/metrics/resource`.
package struct RuntimeUsage: Equatable, Sendable {
    /// A value with the runtime's own time of it.
    package struct Sample: Equatable, Sendable {
        package var value: UInt64
        /// Nanoseconds since 1970, by the runtime's clock.
        package var time: Int64

        package init(_ value: UInt64, at time: Int64) {
            self.value = value
            self.time = time
        }
    }

    /// Nil: the runtime did not say.
    package struct Amounts: Equatable, Sendable {
        /// Nanoseconds of CPU time since the start.
        package var cpu: Sample?
        /// Bytes.
        package var workingSet: Sample?
        /// Bytes.
        package var swap: Sample?

        package init(cpu: Sample? = nil, workingSet: Sample? = nil, swap: Sample? = nil) {
            self.cpu = cpu
            self.workingSet = workingSet
            self.swap = swap
        }
    }

    package struct Container: Equatable, Sendable {
        package var name: String
        package var pod: String
        package var namespace: String
        /// Nanoseconds since 1970.
        package var createdAt: Int64
        package var amounts: Amounts
        /// Bytes of swap that it may use.
        package var swapLimit: Sample?

        package init(
            name: String, pod: String, namespace: String, createdAt: Int64, amounts: Amounts, swapLimit: Sample? = nil
        ) {
            self.name = name
            self.pod = pod
            self.namespace = namespace
            self.createdAt = createdAt
            self.amounts = amounts
            self.swapLimit = swapLimit
        }
    }

    package struct Pod: Equatable, Sendable {
        package var name: String
        package var namespace: String
        package var amounts: Amounts

        package init(name: String, namespace: String, amounts: Amounts) {
            self.name = name
            self.namespace = namespace
            self.amounts = amounts
        }
    }

    /// Sorted by container, namespace and pod: the order of the kubelet's samples. No two have all three alike.
    package var containers: [Container]
    /// Sorted by namespace and name. No two have both alike.
    package var pods: [Pod]

    package init(containers: [Container] = [], pods: [Pod] = []) {
        self.containers = containers
        self.pods = pods
    }
}

extension RuntimeUsage.Sample? {
    /// The sum, with the later one's time; what one side does not have is not counted.
    package static func + (left: Self, right: Self) -> Self {
        guard let left, let right else { return left ?? right }
        let (sum, overflow) = left.value.addingReportingOverflow(right.value)
        return RuntimeUsage.Sample(overflow ? .max : sum, at: Swift.max(left.time, right.time))
    }
}

extension RuntimeUsage.Amounts {
    package static func + (left: Self, right: Self) -> Self {
        Self(cpu: left.cpu + right.cpu, workingSet: left.workingSet + right.workingSet, swap: left.swap + right.swap)
    }
}
