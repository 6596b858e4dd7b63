// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// Watches the entries of a checkpoint archive go by and tells whether it is one.
struct ArchiveInspector: TarConsumer {
    /// What a kubelet's own tests ask of an archive (test/e2e_node/checkpoint_container.go).
    static let needed = ["config.dump", "spec.dump", "checkpoint/inventory.img"]

    /// Bytes kept of what is read as a whole.
    private static let limits: [String: UInt64] = ["config.dump": 1 << 20, "spec.dump": 4 << 20]
    /// Bytes of all names together: they are kept, to see each only once.
    private static let nameLimit = 64 << 20

    private let containerID: String
    private var names: Set<String> = []
    private var nameBytes = 0
    private var texts: [String: [UInt8]] = [:]
    private var images = CriuImages()
    private var facts = ArchiveFacts()

    private enum Use {
        case ignored
        case text(String)
        case image
    }
    private var use = Use.ignored

    /// - Parameter containerID: the full id of the container that was asked for.
    init(containerID: String) {
        self.containerID = containerID
    }

    mutating func begin(_ entry: TarEntry) throws(ArchiveProblem) {
        facts.entries += 1
        use = .ignored
        let name = entry.name
        let isNeeded = Self.needed.contains(name)
        if entry.kind == .directory {
            if isNeeded { throw ArchiveProblem("\(name) is a directory") }
            return
        }
        guard names.insert(name).inserted else { throw ArchiveProblem("\(printable(name)) is in it twice") }
        nameBytes += name.utf8.count
        guard nameBytes <= Self.nameLimit else {
            throw ArchiveProblem("its names are longer than \(Self.nameLimit) bytes")
        }
        guard entry.kind == .file else {
            if isNeeded { throw ArchiveProblem("\(name) is a link") }
            return
        }
        if isNeeded, entry.size == 0 { throw ArchiveProblem("\(name) is empty") }
        if let limit = Self.limits[name] {
            guard entry.size <= limit else {
                throw ArchiveProblem("\(name) has \(entry.size) bytes, at most \(limit) make sense")
            }
            use = .text(name)
            texts[name] = []
        } else if name.hasPrefix("checkpoint/") {
            use = .image
            images.begin(String(name.dropFirst("checkpoint/".count)), size: entry.size)
        } else if name == "rootfs-diff.tar" {
            facts.rootFSDiff = entry.size
        }
    }

    mutating func content(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        switch use {
        case .ignored: break
        case .text(let name): texts[name]?.append(contentsOf: bytes)
        case .image: try images.content(bytes)
        }
    }

    mutating func end() throws(ArchiveProblem) {
        if case .image = use { try images.end() }
        use = .ignored
    }

    /// The archive is over: is it whole, and of that container?
    func finish(pageSize: UInt64) throws(ArchiveProblem) -> ArchiveFacts {
        for name in Self.needed where !names.contains(name) { throw ArchiveProblem("it has no \(name)") }
        try checkConfiguration(texts["config.dump"] ?? [])
        try Self.checkObject(texts["spec.dump"] ?? [], "spec.dump")
        var facts = facts
        facts.processes = try images.finish(pageSize: pageSize)
        facts.memoryPages = images.pageBytes
        return facts
    }

    private struct Configuration: Decodable {
        var id: String
    }

    private struct AnyObject: Decodable {
        private enum Keys: CodingKey {}

        init(from decoder: any Decoder) throws {
            _ = try decoder.container(keyedBy: Keys.self)
        }
    }

    private func checkConfiguration(_ bytes: [UInt8]) throws(ArchiveProblem) {
        try Self.checkObject(bytes, "config.dump")
        guard let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(bytes)) else {
            throw ArchiveProblem("config.dump does not name a container")
        }
        let id = configuration.id
        // A short id is enough where it cannot be another's by chance.
        guard id == containerID || id.utf8.count >= 12 && containerID.hasPrefix(id) else {
            throw ArchiveProblem("it is of another container: \(printable(id, limit: 80)), not \(containerID)")
        }
    }

    private static func checkObject(_ bytes: [UInt8], _ name: String) throws(ArchiveProblem) {
        do {
            _ = try JSONDecoder().decode(AnyObject.self, from: Data(bytes))
        } catch {
            throw ArchiveProblem("\(name) is not a JSON object")
        }
    }
}
