// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A dump of the kernel's links and addresses.
package struct NetlinkDump: Sendable {
    var links: [UInt8]
    var addresses: [UInt8]

    package init(links: [UInt8], addresses: [UInt8]) {
        self.links = links
        self.addresses = addresses
    }

    /// Asks the kernel. Netlink answers a dump at once: reading it never waits for anything but the CPU.
    static func current() -> Result<NetlinkDump, SourceFailure> {
        do {
            return .success(
                NetlinkDump(links: try dump(UInt16(RTM_GETLINK)), addresses: try dump(UInt16(RTM_GETADDR))))
        } catch {
            return .failure(error)
        }
    }

    private static func dump(_ type: UInt16) throws(SourceFailure) -> [UInt8] {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
        guard descriptor >= 0 else { throw .call("open", "rtnetlink", errno: errno) }
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        guard nodekeep_netlink_request_dump(descriptor, type) >= 0 else {
            throw .call("ask", "rtnetlink", errno: errno)
        }
        var all: [UInt8] = []
        var isDone = false
        var problem: SourceFailure?
        while !isDone {
            let chunk = receive(descriptor, flags: 0)
            guard chunk.count > 0 else { throw .call("read", "rtnetlink", errno: errno) }
            forEachNetlinkMessage(chunk) { type, body in
                if type == 3 { isDone = true }
                if type == 2 {
                    isDone = true
                    problem = .failed("rtnetlink refused to list links or addresses")
                }
            }
            all += chunk
            if all.count > ReadBuffer.limit { throw .failed("rtnetlink: more than \(ReadBuffer.limit) bytes") }
        }
        if let problem { throw problem }
        return all
    }
}

/// One datagram; empty on error, with errno set.
private func receive(_ descriptor: Int32, flags: Int32) -> [UInt8] {
    // The kernel makes datagrams of at most 32 KiB.
    [UInt8](unsafeUninitializedCapacity: 32 << 10) { buffer, count in
        var result = recv(descriptor, buffer.baseAddress, buffer.count, flags)
        while result < 0, errno == EINTR { result = recv(descriptor, buffer.baseAddress, buffer.count, flags) }
        count = max(0, result)
    }
}

/// Hears of changes of links, addresses and routes.
final class NetlinkMonitor {
    /// -1 when there is none: then everything is read again every so often.
    let descriptor: Int32

    init() {
        let descriptor = socket(
            AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), NETLINK_ROUTE)
        if descriptor >= 0, nodekeep_netlink_bind(descriptor, nodekeep_rtm_groups) != 0 {
            close(descriptor)
            self.descriptor = -1
        } else {
            self.descriptor = descriptor
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Takes what has come in. A queue that has overflowed means: anything may have changed.
    func drain() -> NetlinkChanges {
        var changes: NetlinkChanges = []
        for _ in 0..<256 {
            let bytes = receive(descriptor, flags: Int32(MSG_DONTWAIT))
            if bytes.isEmpty {
                if errno == ENOBUFS { return [.interfaces, .routes] }
                break
            }
            changes.formUnion(NetlinkChanges(bytes))
        }
        return changes
    }
}
