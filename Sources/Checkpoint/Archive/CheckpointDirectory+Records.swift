// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Posix

extension CheckpointDirectory {
    /// Ends a job: moves its `outcome.json` to the records, where it appears as a whole or not at all.
    ///
    /// The job directory stays, to be removed. Called again after a crash, with the outcome gone and the record there,
    /// it has nothing to do.
    ///
    /// - Throws: `StorageError`; `isMissing` where there is neither, `isTaken` where there are both.
    package func moveOutcomeToRecords(of job: JobDirectory) throws(StorageError) {
        let name = Self.recordName(job.id)
        let recordPath = recordsPath + "/" + name
        do {
            _ = try retrying {
                nodekeep_rename_new(
                    job.directory.number, JobFile.outcome.rawValue, records.number, name)
            }
        } catch {
            var status = stat()
            let isThere = fstatat(records.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            guard error.code == ENOENT, isThere else {
                throw StorageError("rename \(job.path(of: .outcome)) to", recordPath, code: error.code)
            }
        }
        try naming("write to the disk the directory", recordsPath) { () throws(ErrorNumber) in
            try records.synchronize()
            try job.directory.synchronize()
        }
    }

    /// The jobs that have a record, the oldest first.
    package func recordedJobs() throws(StorageError) -> [JobID] {
        try directoryNames(records, path: recordsPath).compactMap { name in
            name.hasSuffix(Self.recordSuffix) ? JobID(String(name.dropLast(Self.recordSuffix.count))) : nil
        }.sorted()
    }

    /// The bytes of a record; nil where there is none.
    package func record(_ id: JobID) throws(StorageError) -> [UInt8]? {
        let name = Self.recordName(id)
        return try readPrivateFile(
            in: records, name, path: recordsPath + "/" + name, owner: owner, limit: JobDirectory.fileLimit)
    }

    /// The record of a job; nil where there is none.
    ///
    /// - Throws: `StorageError` also for one that cannot be understood.
    package func decodedRecord(_ id: JobID) throws(StorageError) -> JobRecord? {
        guard let bytes = try record(id) else { return nil }
        return try JobCoding.decode(JobRecord.self, bytes, path: recordsPath + "/" + Self.recordName(id))
    }

    /// Removes a record. None there: nothing to do.
    package func removeRecord(_ id: JobID) throws(StorageError) {
        let name = Self.recordName(id)
        guard unlinkat(records.number, name, 0) != 0, errno != ENOENT else { return }
        throw StorageError("remove", recordsPath + "/" + name, code: errno)
    }
}
