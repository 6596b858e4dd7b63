// SPDX-License-Identifier: Apache-2.0
import Glibc

struct SystemError: Error { let number: Int32 }

/// A socket that is listened on and never accepted from. Replaces what is there.
func listening(_ path: String) throws -> Int32 {
    unlink(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard descriptor >= 0, status == 0, listen(descriptor, 16) == 0 else { throw SystemError(number: errno) }
    return descriptor
}
