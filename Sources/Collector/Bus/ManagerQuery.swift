// SPDX-License-Identifier: Apache-2.0

import Systemd

/// One round of questions to systemd1: its properties and, where there are failed units, their names.
final class ManagerQuery {
    // Unowned, for the bus holds the closures that hold this.
    private unowned let bus: SystemBus
    private var manager = BusState.Manager()
    private var waitingFor = 0
    private var failure: BusError?
    private var handler: ((Result<BusState.Manager, BusError>) -> Void)?

    private static let service = "org.freedesktop.systemd1"
    private static let path = "/org/freedesktop/systemd1"
    private static let interface = "org.freedesktop.systemd1.Manager"

    init(_ bus: SystemBus) { self.bus = bus }

    /// The closures under way keep the query alive.
    func run(_ handler: @escaping (Result<BusState.Manager, BusError>) -> Void) throws(BusError) {
        self.handler = handler
        // All at once: the answers come in one wake-up. (GetAll would make the manager compute some 200 values.)
        try ask("Version") { $0.version = $1.string ?? "" }
        try ask("SystemState") { $0.systemState = $1.string ?? "" }
        try ask("Virtualization") { $0.virtualization = $1.string ?? "" }
        try ask("NFailedUnits") { $0.failedUnitCount = $1.number ?? 0 }
    }

    private func ask(_ property: String, _ store: @escaping (inout BusState.Manager, BusValue) -> Void) throws(BusError)
    {
        waitingFor += 1
        try bus.property(Self.service, path: Self.path, Self.interface, property) { [self] result in
            switch result {
            case .success(let value): store(&manager, value)
            case .failure(let error): failure = failure ?? error
            }
            answered()
        }
    }

    private func answered() {
        waitingFor -= 1
        guard waitingFor == 0 else { return }
        if let failure { return finish(.failure(failure)) }
        guard manager.failedUnitCount > 0 else { return finish(.success(manager)) }
        do {
            try bus.call(Self.service, path: Self.path, Self.interface, "ListUnitsFiltered", array: ["failed"]) {
                [self] reply in
                finish(
                    reply.map { message in
                        let names = message.firstStrings(ofStructs: "ssssssouso") ?? []
                        manager.failedUnits = Array(names.sorted().prefix(64))
                        return manager
                    })
            }
        } catch {
            finish(.failure(error))
        }
    }

    private func finish(_ result: Result<BusState.Manager, BusError>) {
        let handler = handler
        self.handler = nil
        handler?(result)
    }
}
