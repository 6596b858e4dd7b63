// SPDX-License-Identifier: Apache-2.0

/// Follows CRIU's images through an archive and tells afterwards whether the set is whole.
///
/// CRIU writes `inventory.img` near the end of a dump. Beyond its being there: images begin with their magic numbers
/// (criu/include/magic.h), every process in `pstree.img` has its `core-<pid>.img`, every pagemap the file with as
/// many pages as it lists. This is checked for the versions whose meaning is known (1 to 3) and, of these, the
/// lengths only where pages are stored as they are (2): a CRIU to come may pack them.
struct CriuImages {
    /// What is read of an image.
    private enum Image {
        case inventory, processes
        case core, memory
        case pagemap(CriuPagemap)
        case pages(UInt64)
        case other

        /// The numbers at its beginning; all but the inventory have the common one first.
        var magic: [UInt32] {
            switch self {
            case .inventory: [0x5831_3116]
            case .processes: [0x5456_4319, 0x5027_3030]
            case .core: [0x5456_4319, 0x5505_3847]
            case .memory: [0x5456_4319, 0x5749_2820]
            case .pagemap: [0x5456_4319, 0x5608_4025]
            case .pages, .other: []
            }
        }
    }

    private var image = Image.other
    private var name = ""
    private var size: UInt64 = 0
    /// The first bytes; of the inventory and the process tree all of them.
    private var head: [UInt8] = []
    private var headLimit = 8

    private var inventory: [UInt8]?
    private var processes: [UInt8]?
    private var cores: Set<UInt64> = []
    private var pagemaps: [(name: String, map: CriuPagemap)] = []
    private var pages: [UInt64: UInt64] = [:]

    /// Bytes of all pages files.
    private(set) var pageBytes: UInt64 = 0

    /// A file `checkpoint/<name>` begins.
    mutating func begin(_ name: String, size: UInt64) {
        self.name = name
        self.size = size
        head.removeAll(keepingCapacity: true)
        headLimit = 8
        switch name {
        case "inventory.img":
            image = .inventory
            headLimit = 1 << 20
        case "pstree.img":
            image = .processes
            headLimit = 64 << 20
        default:
            if Self.number(name, "core-") != nil {
                image = .core
            } else if Self.number(name, "mm-") != nil {
                image = .memory
            } else if name.hasPrefix("pagemap-"), name.hasSuffix(".img") {
                image = .pagemap(CriuPagemap())
            } else if let id = Self.number(name, "pages-") {
                image = .pages(id)
            } else {
                image = .other
            }
        }
    }

    mutating func content(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        if case .pages = image { return }
        if case .other = image { return }
        if head.count < headLimit { head += bytes.prefix(headLimit - head.count) }
        if case .pagemap(var map) = image {
            image = .other
            do { try map.add(bytes) } catch { throw ArchiveProblem("checkpoint/\(printable(name)) \(error)") }
            image = .pagemap(map)
        }
    }

    mutating func end() throws(ArchiveProblem) {
        let expected = image.magic.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        guard head.starts(with: expected) else {
            throw ArchiveProblem("checkpoint/\(printable(name)) does not begin as CRIU's images do")
        }
        switch image {
        case .inventory: inventory = head
        case .processes: processes = head
        case .core: if let id = Self.number(name, "core-") { cores.insert(id) }
        case .pagemap(let map):
            do { try map.finish() } catch { throw ArchiveProblem("checkpoint/\(printable(name)) \(error)") }
            pagemaps.append((name, map))
        case .pages(let id):
            pages[id] = size
            pageBytes = pageBytes.addingReportingOverflow(size).partialValue
        case .memory, .other: break
        }
        image = .other
    }

    /// Checks the set as a whole.
    ///
    /// - Parameter pageSize: of the machine that the images were made on.
    /// - Returns: the number of processes.
    func finish(pageSize: UInt64) throws(ArchiveProblem) -> UInt64? {
        guard let inventory else { throw ArchiveProblem("it has no checkpoint/inventory.img") }
        let version = try Self.version(of: inventory)
        guard let processes else { throw ArchiveProblem("it has no checkpoint/pstree.img") }
        guard !cores.isEmpty else { throw ArchiveProblem("it has no checkpoint/core-*.img") }
        // Not a version that is known.
        guard (1...3).contains(version) else { return nil }
        let processIDs = try Self.processIDs(of: processes)
        for id in processIDs.sorted() where !cores.contains(id) {
            throw ArchiveProblem("it has no checkpoint/core-\(id).img, of a process that checkpoint/pstree.img lists")
        }
        for (name, map) in pagemaps {
            guard let id = map.pagesID else { continue }
            guard let size = pages[id] else {
                throw ArchiveProblem("it has no checkpoint/pages-\(id).img, which checkpoint/\(printable(name)) lists")
            }
            guard version == 2, map.isUnderstood else { continue }
            let (needed, overflow) = map.pages.multipliedReportingOverflow(by: pageSize)
            guard !overflow, size >= needed else {
                throw ArchiveProblem(
                    "checkpoint/pages-\(id).img is cut short: it has \(size) bytes, and checkpoint/\(printable(name)) "
                        + "lists \(map.pages) pages of \(pageSize)")
            }
        }
        let listed = Set(pagemaps.compactMap(\.map.pagesID))
        for id in pages.keys.sorted() where !listed.contains(id) {
            throw ArchiveProblem("checkpoint/pages-\(id).img is in no pagemap")
        }
        return UInt64(processIDs.count)
    }

    /// `inventory_entry.img_version`.
    private static func version(of inventory: [UInt8]) throws(ArchiveProblem) -> UInt64 {
        for message in try messages(inventory.dropFirst(4), of: "inventory.img") {
            for (number, value) in try fields(message, of: "inventory.img") where number == 1 { return value }
        }
        throw ArchiveProblem("checkpoint/inventory.img is cut short")
    }

    /// `pstree_entry.pid` of each.
    private static func processIDs(of processes: [UInt8]) throws(ArchiveProblem) -> Set<UInt64> {
        var ids: Set<UInt64> = []
        for message in try messages(processes.dropFirst(8), of: "pstree.img") {
            for (number, value) in try fields(message, of: "pstree.img") where number == 1 { ids.insert(value) }
        }
        guard !ids.isEmpty else { throw ArchiveProblem("checkpoint/pstree.img lists no process") }
        return ids
    }

    private static func messages(
        _ bytes: ArraySlice<UInt8>, of name: String
    ) throws(ArchiveProblem) -> [ArraySlice<UInt8>] {
        var rest = bytes
        var messages: [ArraySlice<UInt8>] = []
        while !rest.isEmpty {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4, rest.count - 4 >= length else {
                throw ArchiveProblem("checkpoint/\(name) is cut short")
            }
            messages.append(rest.dropFirst(4).prefix(length))
            rest = rest.dropFirst(4 + length)
        }
        return messages
    }

    private static func fields(
        _ message: ArraySlice<UInt8>, of name: String
    ) throws(ArchiveProblem) -> [(UInt64, UInt64)] {
        var fields = ProtobufFields(message)
        var found: [(UInt64, UInt64)] = []
        do {
            while let (number, value) = try fields.next() {
                if let value { found.append((number, value)) }
            }
        } catch {
            throw ArchiveProblem("checkpoint/\(name) has a malformed message")
        }
        return found
    }

    /// The number in `<prefix><number>.img`, written as CRIU writes it.
    private static func number(_ name: String, _ prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(".img") else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(4)
        guard let number = UInt64(digits), String(number) == digits else { return nil }
        return number
    }
}
