// SPDX-License-Identifier: Apache-2.0
internal import CSystemd
internal import Glibc

/// The journal, written natively so that fields stay fields (systemd.journal-fields(7)).
package enum Journal {
    /// Standard error goes to the journal: its device and inode are those that the service manager put into
    /// `JOURNAL_STREAM` (systemd.exec(5)). A shell within a service that redirects standard error is told apart by that.
    package static let isStandardError: Bool = {
        guard let variable = getenv("JOURNAL_STREAM") else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return String(cString: variable) == "\(status.st_dev):\(status.st_ino)"
    }()

    /// Sends one record. Field names are upper case; a value may hold anything, newlines too.
    ///
    /// Returns false when the journal did not take it (journald is restarting, or its socket is gone).
    package static func send(_ fields: [(name: String, value: String)]) -> Bool {
        let records = fields.map { Array("\($0.name)=\($0.value)".utf8) }
        let total = records.reduce(0) { $0 + $1.count }
        // One buffer for all fields: the vectors point into it, so it must not move while they are in use.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 1), alignment: 1)
        defer { buffer.deallocate() }
        var vectors: [iovec] = []
        var offset = 0
        for record in records {
            UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + record.count]).copyBytes(from: record)
            vectors.append(iovec(iov_base: buffer.baseAddress.map { $0 + offset }, iov_len: record.count))
            offset += record.count
        }
        return sd_journal_sendv(&vectors, Int32(vectors.count)) >= 0
    }
}
