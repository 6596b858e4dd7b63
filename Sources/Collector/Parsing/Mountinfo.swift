// SPDX-License-Identifier: Apache-2.0

/// One line of /proc/self/mountinfo.
struct MountEntry: Equatable {
    /// `major:minor`.
    var device: String
    var mountPoint: String
    var type: String
    var source: String
    /// The file system itself.
    var isReadOnlyFileSystem: Bool
    /// This mount of it.
    var isReadOnlyMount: Bool

    var isReadOnly: Bool { isReadOnlyFileSystem || isReadOnlyMount }
}

/// The mounts of /proc/self/mountinfo that hold data of the node: see `isMeasured`. Lines that make no sense are passed over.
func parseMountinfo(_ text: TextCursor) -> [MountEntry] {
    var text = text
    var mounts: [MountEntry] = []
    while let line = text.line() {
        if let mount = mountEntry(line) { mounts.append(mount) }
    }
    return mounts
}

/// At most `limit` mounts, one per device: the one with the shortest mount point, in the order of those.
func selectMounts(_ mounts: [MountEntry], limit: Int = 64) -> [MountEntry] {
    var byDevice: [String: MountEntry] = [:]
    for mount in visible(mounts).values {
        if let other = byDevice[mount.device], !precedes(mount.mountPoint, other.mountPoint) { continue }
        byDevice[mount.device] = mount
    }
    return Array(byDevice.values.sorted { precedes($0.mountPoint, $1.mountPoint) }.prefix(limit))
}

/// Own mounts, each read-only as the node's first process has it where that has the same mount: a service manager gives
/// us our own view of the node, in which (nearly) everything is read-only.
func asTheNodeHasThem(_ mounts: [MountEntry], node: [MountEntry]) -> [MountEntry] {
    let visible = visible(node)
    return mounts.map { mount in
        var mount = mount
        if let other = visible[mount.mountPoint], other.device == mount.device {
            mount.isReadOnlyMount = other.isReadOnlyMount
        }
        return mount
    }
}

/// Where two mounts share a mount point the later one hides the earlier.
private func visible(_ mounts: [MountEntry]) -> [String: MountEntry] {
    Dictionary(mounts.map { ($0.mountPoint, $0) }) { _, later in later }
}

private func precedes(_ left: String, _ right: String) -> Bool {
    (left.utf8.count, left) < (right.utf8.count, right)
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc(5)).
private func mountEntry(_ line: TextCursor) -> MountEntry? {
    var line = line
    guard line.word() != nil, line.word() != nil, let device = line.word(), line.word() != nil,
        let mountPoint = line.word(), let options = line.word()
    else { return nil }
    while true {
        guard let field = line.word() else { return nil }
        if field.equals("-") { break }
    }
    guard let type = line.word(), let source = line.word(), isMeasured(type: type, source: source) else { return nil }
    let superOptions = line.word()
    return MountEntry(
        device: device.text, mountPoint: unescape(mountPoint), type: type.text, source: unescape(source),
        isReadOnlyFileSystem: superOptions.map(isReadOnly) ?? false, isReadOnlyMount: isReadOnly(options))
}

private func isReadOnly(_ options: TextCursor) -> Bool {
    options.equals("ro") || options.hasPrefix("ro,")
}

/// File systems on a device, and those on the network or behind FUSE. Images that are always full (squashfs) are not.
private func isMeasured(type: TextCursor, source: TextCursor) -> Bool {
    let images: [StaticString] = ["squashfs", "erofs", "iso9660", "cramfs", "romfs"]
    if images.contains(where: { type.equals($0) }) { return false }
    if type.equals("overlay") || type.equals("devtmpfs") || type.equals("fuse.lxcfs") || type.equals("fuse.portal") {
        return false
    }
    if type.equals("fuse") || type.hasPrefix("fuse.") || type.equals("fuseblk") { return true }
    let others: [StaticString] = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "virtiofs", "glusterfs", "lustre", "gpfs", "beegfs",
        "afs", "ocfs2", "gfs2", "zfs", "orangefs", "vboxsf", "prl_fs",
    ]
    if others.contains(where: { type.equals($0) }) { return true }
    return source.hasPrefix("/dev/") && !type.equals("tmpfs")
}

/// `\040` and its like become the byte again.
private func unescape(_ field: TextCursor) -> String {
    var field = field
    var bytes: [UInt8] = []
    while let byte = field.peek {
        field.advance()
        if byte == 0x5c {
            var ahead = field
            var value = 0
            var digits = 0
            while digits < 3, let digit = ahead.peek, digit >= 0x30, digit <= 0x37 {
                value = value * 8 + Int(digit - 0x30)
                digits += 1
                ahead.advance()
            }
            if digits == 3, value <= 255 {
                bytes.append(UInt8(value))
                field = ahead
                continue
            }
        }
        bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
}
