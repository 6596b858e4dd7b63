// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file of /proc or /sys that is kept open and read again from the start each time.
final class KernelFile {
    let path: String
    private let isSingleRecord: Bool
    private var descriptor: Int32 = -1

    /// - Parameter isSingleRecord: the kernel makes the whole text at once, so that a read that does not fill the
    ///   buffer has it all (meminfo, stat, loadavg, pressure, memory.stat); otherwise it is read until the end.
    init(_ path: String, isSingleRecord: Bool = true) {
        self.path = path
        self.isSingleRecord = isSingleRecord
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// For `poll`; -1 while it could not be opened.
    var pollDescriptor: Int32 {
        if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        return descriptor
    }

    /// Reads all of it and gives it to `parse`, whose argument is valid only inside.
    func read<Value>(
        _ buffer: ReadBuffer, _ parse: (TextCursor) throws(SourceFailure) -> Value
    ) throws(SourceFailure) -> Value {
        let length: Int
        let wasOpen = descriptor >= 0
        do {
            length = try fill(buffer)
        } catch {
            guard wasOpen else { throw error }
            // Once more with a fresh descriptor: the file may have been removed and made again (a remount).
            close()
            length = try fill(buffer)
        }
        return try parse(buffer.cursor(length))
    }

    private func fill(_ buffer: ReadBuffer) throws(SourceFailure) -> Int {
        if descriptor < 0 {
            descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            if descriptor < 0 { throw .call("open", path, errno: errno) }
        }
        var length = 0
        while true {
            let count = pread(descriptor, buffer.bytes + length, buffer.capacity - length, length)
            if count < 0 {
                if errno == EINTR { continue }
                throw .call("read", path, errno: errno)
            }
            length += count
            if length == buffer.capacity {
                guard buffer.grow() else { throw .failed("read \(path): more than \(ReadBuffer.limit) bytes") }
            } else if count == 0 || isSingleRecord {
                return length
            }
        }
    }
}

/// The buffer that one thread reads its files into, in turn.
final class ReadBuffer {
    static let limit = 16 << 20
    private(set) var capacity = 16 << 10
    private(set) var bytes: UnsafeMutableRawPointer

    init() { bytes = .allocate(byteCount: capacity, alignment: 16) }
    deinit { bytes.deallocate() }

    func cursor(_ length: Int) -> TextCursor {
        TextCursor(UnsafeRawBufferPointer(start: bytes, count: min(max(length, 0), capacity)))
    }

    /// Twice as large, keeping its content; false at the limit.
    func grow() -> Bool {
        guard capacity < Self.limit else { return false }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
        larger.copyMemory(from: bytes, byteCount: capacity)
        bytes.deallocate()
        bytes = larger
        capacity *= 2
        return true
    }
}

/// The whole of a small file, trimmed: for what is read now and then.
func readSmallFile(_ path: String, _ buffer: ReadBuffer) throws(SourceFailure) -> String {
    try KernelFile(path, isSingleRecord: false).read(buffer) { cursor throws(SourceFailure) in cursor.trimmedText }
}

/// The names in a directory, in no particular order.
func directoryEntries(_ path: String) throws(SourceFailure) -> [String] {
    guard let directory = opendir(path) else { throw .call("open", path, errno: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while names.count < 65_536, let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
