// SPDX-License-Identifier: Apache-2.0
internal import Checkpoint
internal import Glibc

/// The checkpoints directory as the keeper has it open: with a watch for records, and with a count of the archives.
final class CheckpointStore {
    /// The directory is counted again at most this often, and this long after it was last counted in any case.
    private static let tallyInterval: Duration = .seconds(2)
    private static let longestTallyInterval: Duration = .seconds(60)

    let directory: CheckpointDirectory
    let watch: RecordsWatch
    private(set) var archives: UInt64?
    private(set) var bytes: UInt64?
    private var talliedAt: Duration?

    init(path: String) throws(StorageError) {
        directory = try CheckpointDirectory.open(path, creating: true)
        watch = try RecordsWatch(records: directory.recordsPath, archives: directory.path)
    }

    var nextTally: Duration {
        guard let talliedAt else { return .zero }
        return talliedAt + (watch.archivesChanged ? Self.tallyInterval : Self.longestTallyInterval)
    }

    /// - Parameter isDue: whatever the time.
    func tally(now: Duration, isDue: Bool = false) {
        guard isDue || now >= nextTally else { return }
        talliedAt = now
        watch.archivesChanged = false
        guard let found = try? directory.archiveEntries() else { return }
        archives = UInt64(clamping: found.count)
        bytes = found.reduce(0) { sum, archive in
            let (total, overflow) = sum.addingReportingOverflow(archive.size)
            return overflow ? .max : total
        }
    }
}

/// inotify(7) on the records, for jobs that have ended, on the directories of running jobs, for how far they are, and on
/// the archives, for their number.
final class RecordsWatch {
    enum Event {
        case finished(JobID)
        case progress(JobID)
    }

    let descriptor: Int32
    private let records: Int32
    private var followed: [Int32: JobID] = [:]
    var archivesChanged = true

    init(records: String, archives: String) throws(StorageError) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw Self.error(records, errno) }
        let moves = UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
        self.records = inotify_add_watch(descriptor, records, moves | UInt32(IN_ONLYDIR))
        guard self.records >= 0 else {
            let code = errno
            close(descriptor)
            throw Self.error(records, code)
        }
        // Without this one the count is late, and that is all.
        _ = inotify_add_watch(descriptor, archives, moves | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ONLYDIR))
    }

    deinit { close(descriptor) }

    private static func error(_ path: String, _ code: Int32) -> StorageError {
        StorageError("cannot watch \(path): \(String(cString: strerror(code)))", code: code)
    }

    /// From now on there are events about this job's progress, until its directory is removed.
    func follow(_ job: JobDirectory) {
        let watch = inotify_add_watch(descriptor, job.path, UInt32(IN_MOVED_TO) | UInt32(IN_ONLYDIR))
        if watch >= 0 { followed[watch] = job.id }
    }

    /// What has happened since the last call. Events can be lost in a flood: whoever waits for a record also looks for it
    /// from time to time.
    func events() -> [Event] {
        var events: [Event] = []
        let header = MemoryLayout<inotify_event>.size
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= header else { return events }
            var offset = 0
            while offset + header <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let end = offset + header + Int(event.len)
                guard end <= count else { break }
                if event.wd == records {
                    let name = String(decoding: buffer[(offset + header)..<end].prefix { $0 != 0 }, as: UTF8.self)
                    if event.mask & UInt32(IN_MOVED_TO) != 0, name.hasSuffix(".json"),
                        let id = JobID(String(name.dropLast(".json".count)))
                    {
                        events.append(.finished(id))
                    }
                } else if let job = followed[event.wd] {
                    if event.mask & UInt32(IN_IGNORED) != 0 {
                        followed[event.wd] = nil
                    } else {
                        events.append(.progress(job))
                    }
                } else {
                    archivesChanged = true
                }
                offset = end
            }
        }
    }
}
