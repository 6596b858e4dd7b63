// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NodeStatus
internal import Posix

/// Changes nodekeep's own token file: what `nodekeep token` does. Several at once each do their part, one after the
/// other; a reader sees the old file or the new one. Everything here waits for the disk.
package struct TokenStore: Sendable {
    private let path: String
    private let owner: UInt32

    /// - Parameter owner: who must own the file; a new one belongs to whoever runs.
    package init(_ path: String, owner: UInt32 = 0) {
        self.path = path
        self.owner = owner
    }

    /// Makes a token and stores its hash.
    ///
    /// - Parameter expires: nil: never.
    /// - Returns: The token, which is nowhere else from now on, and what is stored of it.
    package func create(
        user: String, groups: [String], expires: Timestamp?, date: Timestamp
    ) throws(AccessProblem) -> (token: String, record: TokenRecord) {
        var generator = SystemRandomNumberGenerator()
        let expires = expires.map { Timestamp(seconds: $0.seconds) }
        if let expires, expires <= date {
            throw problem("a token that expires on \(expires.rfc3339) would be of no use")
        }
        if let expires, Timestamp(rfc3339: expires.rfc3339) != expires {
            throw problem("a time that far away cannot be stored")
        }
        return try changing { list throws(AccessProblem) in
            let (id, token) = NodekeepToken.make(with: &generator) { list[id: $0] != nil }
            let record = TokenRecord(
                id: id, user: user, groups: groups, created: Timestamp(seconds: date.seconds), expires: expires,
                hash: Fingerprint(of: Array(token.utf8)))
            if let problem = IdentityNames.problem(record.identity) { throw self.problem("no token: \(problem)") }
            guard list.append(record) else {
                throw problem("there are \(TokenList.maximumTokens) tokens, and no more are kept; revoke some")
            }
            return (token, record)
        }
    }

    /// All of them, also the expired ones.
    package func list() throws(AccessProblem) -> [TokenRecord] { try read().records }

    /// Takes a token out. The agent refuses it as soon as it has looked at the file again.
    package func revoke(id: String) throws(AccessProblem) -> TokenRecord {
        try changing { list throws(AccessProblem) in
            guard let record = list.remove(id: id) else { throw problem("there is no token \(quoted(id))") }
            return record
        }
    }

    private func problem(_ explanation: String) -> AccessProblem { AccessProblem(path, explanation) }

    private func read() throws(AccessProblem) -> TokenList {
        // A whole file is never being written: it is exchanged. What is, somebody edits by hand, and is soon done.
        var failure = GuardedFile.Failure(reason: "")
        for _ in 0..<3 {
            do {
                let content = try GuardedFile.read(path, limit: TokenList.maximumBytes, .secret(owner: owner))
                return try TokenList(content.bytes, file: path)
            } catch let error as GuardedFile.Failure {
                if error.isMissing { return .empty }
                failure = error
                if !error.isUnsettled { break }
            } catch let error as AccessProblems {
                throw error.all.first ?? problem("it cannot be read")
            } catch {
                throw problem("\(error)")
            }
        }
        throw problem(failure.reason)
    }

    private func changing<Result>(
        _ change: (inout TokenList) throws(AccessProblem) -> Result
    ) throws(AccessProblem) -> Result {
        let (directory, name) = try split()
        guard geteuid() == owner else {
            throw problem("only its owner can change it; run this as \(owner == 0 ? "root" : "uid \(owner)")")
        }
        let lockName = "." + name + ".lock"
        let folder = try naming("open the directory", directory) { () throws(ErrorNumber) in
            try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        }
        let lock = try naming("lock", directory + "/" + lockName) { () throws(ErrorNumber) in
            // Only its owner can take it, and so keep others from changing the file.
            let file = try Descriptor.open(in: folder.number, lockName, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            _ = try retrying { flock(file.number, LOCK_EX) }
            return file
        }
        return try withExtendedLifetime(lock) { () throws(AccessProblem) in
            var list = try read()
            let result = try change(&list)
            let bytes = Array(list.text.utf8)
            // What could not be read again would lock everybody out.
            guard bytes.count <= TokenList.maximumBytes, (try? TokenList(bytes, file: path)) == list else {
                throw problem("this does not fit into it any more; revoke some tokens")
            }
            try replace(with: bytes, name, in: folder)
            return result
        }
    }

    /// We hold the lock.
    private func replace(with bytes: [UInt8], _ name: String, in folder: Descriptor) throws(AccessProblem) {
        var status = stat()
        if fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFLNK {
            throw problem("it is a symbolic link, which would be replaced; name the file that it leads to")
        }
        try naming("write", path) { () throws(ErrorNumber) in try folder.replace(name, with: bytes) }
    }

    private func split() throws(AccessProblem) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/"), !path.utf8.contains(0) else {
            throw problem("it is not an absolute path")
        }
        let name = String(path[path.index(after: slash)...])
        guard path.hasPrefix("/"), !name.isEmpty, name != ".", name != "..", name.utf8.count <= 200 else {
            throw problem("it is not the absolute path of a file")
        }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
    }

    private func naming<Value>(
        _ what: String, _ name: String, _ body: () throws(ErrorNumber) -> Value
    ) throws(AccessProblem) -> Value {
        do {
            return try body()
        } catch {
            throw problem("\(what) \(name): \(error.reason)")
        }
    }
}
