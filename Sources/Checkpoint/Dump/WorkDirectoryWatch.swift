// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Counts, by inotify, how often a directory of one name is made in a directory.
///
/// containerd makes its work directory anew at the very start of every checkpoint of a container and removes it at the
/// end: two within one call are two checkpoints.
final class WorkDirectoryWatch: WorkDirectoryCount {
    private struct Count {
        var made = 0
        var isLost = false
    }

    private let descriptor: Int32
    private let name: [UInt8]
    private let count = Mutex(Count())

    /// nil where the directory cannot be watched.
    init?(_ directory: String, name: String) {
        self.name = Array(name.utf8)
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        let mask = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR) | UInt32(IN_DELETE_SELF)
        guard inotify_add_watch(descriptor, directory, mask) >= 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    func made() -> Int? {
        count.withLock { count in
            drain(&count)
            return count.isLost ? nil : count.made
        }
    }

    private func drain(_ count: inout Count) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let length = read(descriptor, &buffer, buffer.count)
            guard length > 0 else {
                if length < 0, errno == EINTR { continue }
                return
            }
            let events = InotifyEvents(buffer.prefix(length))
            count.made += events.names.count { $0 == name }
            if events.hasOverflown { count.isLost = true }
        }
    }
}

/// What a read from an inotify descriptor holds (inotify(7)): watch, mask, cookie, length, then the name in zeros.
struct InotifyEvents {
    /// Of what was made or moved here.
    private(set) var names: [[UInt8]] = []
    private(set) var hasOverflown = false

    init(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)[...]
        while rest.count >= 16 {
            let mask = Self.word(rest.dropFirst(4))
            let length = Int(Self.word(rest.dropFirst(12)))
            rest = rest.dropFirst(16)
            guard length <= rest.count else { return }
            if mask & UInt32(IN_Q_OVERFLOW) != 0 { hasOverflown = true }
            if mask & (UInt32(IN_CREATE) | UInt32(IN_MOVED_TO)) != 0 {
                names.append(Array(rest.prefix(length).prefix { $0 != 0 }))
            }
            rest = rest.dropFirst(length)
        }
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var word: UInt32 = 0
        withUnsafeMutableBytes(of: &word) { $0.copyBytes(from: bytes.prefix(4)) }
        return word
    }
}
