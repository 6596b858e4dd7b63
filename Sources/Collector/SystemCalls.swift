// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import NodeStatus

/// What statfs and stat say of a directory or of its nearest existing ancestor.
package struct FileSystemMeasurement: Equatable, Sendable {
    package var usage: FileSystemUsage
    /// `major:minor` of the directory.
    package var device: String
    /// A tmpfs.
    package var isMemory: Bool

    package init(usage: FileSystemUsage, device: String, isMemory: Bool = false) {
        self.usage = usage
        self.device = device
        self.isMemory = isMemory
    }
}

/// The calls that may never return, and those that a fixture tree cannot answer. Tests put their own in place.
package struct SystemCalls: Sendable {
    package var statfs: @Sendable (_ path: String) -> Result<FileSystemMeasurement, SourceFailure>
    package var resolve: @Sendable (_ name: String) -> Result<[IPAddress], SourceFailure>
    package var interfaces: @Sendable () -> Result<NetlinkDump, SourceFailure>
    /// Release and machine of uname(2).
    package var uname: @Sendable () -> (release: String, machine: String)?
    /// `maxerror` of adjtimex(2), microseconds.
    package var clockError: @Sendable () -> Result<UInt64, SourceFailure>

    package init() {
        statfs = measureFileSystem
        resolve = resolveName
        interfaces = { NetlinkDump.current() }
        uname = currentUname
        clockError = currentClockError
    }
}

private func measureFileSystem(_ path: String) -> Result<FileSystemMeasurement, SourceFailure> {
    var directory = path
    while true {
        var information = nodekeep_filesystem()
        var status = stat()
        if nodekeep_statfs(directory, &information) == 0, stat(directory, &status) == 0 {
            let usage = FileSystemUsage(
                path: directory, capacity: information.blocks.clampedProduct(information.unit),
                available: information.available.clampedProduct(information.unit),
                free: information.free.clampedProduct(information.unit),
                inodes: information.inodes, inodesFree: information.inodes_free)
            let device = "\(nodekeep_major(UInt(status.st_dev))):\(nodekeep_minor(UInt(status.st_dev)))"
            return .success(
                FileSystemMeasurement(usage: usage, device: device, isMemory: information.is_memory))
        }
        let code = errno
        guard code == ENOENT || code == ENOTDIR, let parent = parentDirectory(directory) else {
            return .failure(.failed("statfs \(directory): \(errorText(code))"))
        }
        directory = parent
    }
}

/// Nil for the root and for what is no absolute path.
func parentDirectory(_ path: String) -> String? {
    var rest = Substring(path)
    while rest.count > 1, rest.hasSuffix("/") { rest.removeLast() }
    guard rest != "/", let slash = rest.lastIndex(of: "/") else { return nil }
    let parent = rest[..<slash]
    return parent.isEmpty ? "/" : String(parent)
}

private func resolveName(_ name: String) -> Result<[IPAddress], SourceFailure> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    guard code == 0 else {
        let text = code == EAI_SYSTEM ? errorText(errno) : gai_strerror(code).map { String(cString: $0) }
        return .failure(.failed("resolve \(name): \(text ?? "error \(code)")"))
    }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next?.pointee, addresses.count < 64 {
        next = entry.ai_next
        guard let raw = entry.ai_addr else { continue }
        let bytes = UnsafeRawBufferPointer(start: raw, count: Int(entry.ai_addrlen))
        // sockaddr_in: the address at 4; sockaddr_in6: at 8.
        let (offset, size) = entry.ai_family == AF_INET6 ? (8, 16) : (4, 4)
        guard entry.ai_family == AF_INET || entry.ai_family == AF_INET6, bytes.count >= offset + size,
            let address = IPAddress(bytes: Array(bytes[offset..<(offset + size)])), !addresses.contains(address)
        else { continue }
        addresses.append(address)
    }
    return addresses.isEmpty ? .failure(.failed("resolve \(name): no address")) : .success(addresses)
}

private func currentUname() -> (release: String, machine: String)? {
    var names = utsname()
    guard Glibc.uname(&names) == 0 else { return nil }
    return (cString(names.release), cString(names.machine))
}

private func cString<Tuple>(_ tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

private func currentClockError() -> Result<UInt64, SourceFailure> {
    var time = timex()
    guard adjtimex(&time) >= 0 else {
        let code = errno
        // A service manager may deny it as a whole (ProtectClock=), though reading takes no privilege.
        let isDenied = code == EPERM
        return .failure(isDenied ? .absent("adjtimex: not permitted here") : .call("adjtimex", "clock", errno: code))
    }
    return .success(UInt64(clamping: time.maxerror))
}
