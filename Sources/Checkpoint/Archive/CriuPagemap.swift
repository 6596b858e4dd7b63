// SPDX-License-Identifier: Apache-2.0

/// Reads `pagemap-*.img` as it goes by: which pages file it belongs to, and how many pages that must hold.
///
/// Eight bytes of magic, then messages with their length in four bytes before each: one head, then one entry per run of
/// pages (CRIU's pagemap.proto, criu/pagemap.c).
struct CriuPagemap {
    private(set) var pagesID: UInt64?
    /// Pages whose content is in the pages file.
    private(set) var pages: UInt64 = 0
    /// False when a number does not fit, or an entry says neither how many pages it has nor of what kind they are.
    private(set) var isUnderstood = true

    private var buffer: [UInt8] = []
    private var isPastMagic = false

    /// No message of a pagemap is longer.
    private static let messageLimit = 4096

    mutating func add(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        buffer += bytes
        var rest = buffer[...]
        if !isPastMagic {
            guard rest.count >= 8 else { return }
            rest = rest.dropFirst(8)
            isPastMagic = true
        }
        while rest.count >= 4 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= Self.messageLimit else { throw ArchiveProblem("has a message of \(length) bytes") }
            guard rest.count >= 4 + length else { break }
            try message(rest.dropFirst(4).prefix(length))
            rest = rest.dropFirst(4 + length)
        }
        buffer = Array(rest)
    }

    func finish() throws(ArchiveProblem) {
        guard isPastMagic, pagesID != nil, buffer.isEmpty else { throw ArchiveProblem("is cut short") }
    }

    private mutating func message(_ bytes: ArraySlice<UInt8>) throws(ArchiveProblem) {
        var fields = ProtobufFields(bytes)
        var (compatiblePages, pages, isInParent, flags): (UInt64?, UInt64?, Bool, UInt64?) = (nil, nil, false, nil)
        do {
            if pagesID == nil {
                while let field = try fields.next() {
                    if field.number == 1, let value = field.value { pagesID = value }
                }
                guard pagesID != nil else { throw ProtobufFields.Malformed() }
                return
            }
            while let (number, value) = try fields.next() {
                switch number {
                case 2: compatiblePages = value
                case 3: isInParent = value == 1
                case 4: flags = value
                case 5: pages = value
                default: break
                }
            }
        } catch {
            throw ArchiveProblem("has a malformed message")
        }
        // PE_PRESENT; images of old had no flags.
        guard flags.map({ $0 & 4 != 0 }) ?? !isInParent else { return }
        guard let count = pages ?? compatiblePages else {
            isUnderstood = false
            return
        }
        let (sum, overflow) = self.pages.addingReportingOverflow(count)
        self.pages = sum
        if overflow { isUnderstood = false }
    }
}
