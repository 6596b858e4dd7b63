// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The file system of the container runtime's images: of the directory that the runtime itself names, or of its usual
/// one as long as it names none, or one that is not in our mount namespace.
final class ImageFileSystemReader {
    private let usual: DirectoryReader?
    private var named: DirectoryReader?
    private let make: (String) -> DirectoryReader

    init(_ options: CollectorOptions, _ ledger: SourceLedger, _ probes: ProbeTable) {
        make = { DirectoryReader("imagefs", $0, options, ledger, probes) }
        usual = options.imageDirectory.flatMap { $0 == options.rootDirectory ? nil : $0 }.map(make)
        follow(options.runtimeImageDirectory)
    }

    /// What the runtime says now.
    func follow(_ path: String?) {
        guard path != named?.path else { return }
        named = path.map(make)
    }

    /// Nil: the nodefs.
    var current: DirectoryReader? {
        guard let named, named.wasRead, missing == nil else { return usual }
        return named
    }

    /// The directory that the runtime names, when it is not here: its nearest ancestor has been measured.
    var missing: String? {
        guard let named, let usage = named.usage.value, usage.path != named.path else { return nil }
        return named.path
    }

    func start(_ moment: Moment, _ pool: ProbePool, sharing node: DirectoryReader) {
        named?.start(moment, pool, sharing: node)
        if let current, current !== named { current.start(moment, pool, sharing: node) }
    }

    func isRunning(since moment: Moment) -> Bool {
        [named, current].contains { $0?.isRunning(since: moment) == true }
    }

    func collect(_ moment: Moment) {
        named?.collect(moment)
        if let current, current !== named { current.collect(moment) }
    }

    func usage(sharing node: DirectoryReader) -> Reading<FileSystemUsage> {
        current?.usage(sharing: node) ?? node.usage
    }
}
