// SPDX-License-Identifier: Apache-2.0
import Glibc
import KubeAPI
import KubeTestServer
import NodeStatus
import Synchronization
import Testing

@testable import Heartbeat

/// A directory that is gone with the test.
final class TestDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/nodekeep-heartbeat-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? ""
    }

    deinit {
        for name in ["lease.json", ".lease.json.new", "node-status.json", ".node-status.json.new"] {
            unlink(path + "/" + name)
            rmdir(path + "/" + name)
        }
        rmdir(path)
    }

    func write(_ text: String, to name: String) {
        guard let file = fopen(path + "/" + name, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    func read(_ name: String) -> JSONValue? {
        guard let file = fopen(path + "/" + name, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return try? JSONValue.parse(Array(bytes[..<count]))
    }
}

private func lease() -> JSONValue { NodeLease.new(settings(.none), ownerUID: nil, date: start) }

extension Result where Failure == HeartbeatFailure {
    fileprivate var cause: HeartbeatResult? { failureValue?.cause }
}

@Suite("Lease and status in files")
struct FileStoreTests {
    let directory = TestDirectory()

    @Test("A lease is made, read and renewed as an API server does it")
    func lifeOfALease() async throws {
        let store = FileLeaseStore(directory: directory.path)
        #expect(try await store.get().get() == nil)
        let made = try await store.create(lease()).get()
        #expect(made["metadata", "resourceVersion"] == "1")
        #expect(made["metadata", "creationTimestamp"]?.text?.hasSuffix("Z") == true)
        #expect(try await store.get().get() == made)
        #expect(directory.read("lease.json") == made)
        let later = Timestamp(seconds: start.seconds + 10, nanoseconds: 251_948_000)
        let renewed = NodeLease.renewed(made, settings(.none), ownerUID: nil, date: later)
        let stored = try await store.update(renewed).get()
        #expect(stored["metadata", "resourceVersion"] == "2")
        #expect(stored["spec", "renewTime"] == "2026-11-21T00:49:02.251948Z")
        #expect(directory.read("lease.json") == stored)
    }

    @Test("Two that were made, and one that is out of date, are conflicts; one that is gone is not found")
    func conflicts() async throws {
        let store = FileLeaseStore(directory: directory.path)
        let made = try await store.create(lease()).get()
        #expect(await store.create(lease()).cause == .conflict)
        _ = try await store.update(made).get()
        #expect(await store.update(made).cause == .conflict)
        unlink(directory.path + "/lease.json")
        #expect(await store.update(made).cause == .notFound)
    }

    @Test("What is no lease is replaced", arguments: ["", "{", "[]", "{\"spec\":{}}", "\u{0}\u{0}"])
    func garbage(_ text: String) async throws {
        directory.write(text, to: "lease.json")
        let store = FileLeaseStore(directory: directory.path)
        #expect(try await store.get().get() == nil)
        _ = try await store.create(lease()).get()
        #expect(directory.read("lease.json")?["spec", "holderIdentity"] == "node1_i-1")
    }

    @Test("A directory that is not there, or not one, fails with the file's name, and works when it is there")
    func noDirectory() async throws {
        let store = FileLeaseStore(directory: directory.path + "/lease.json")
        let failure = await store.create(lease()).failureValue
        #expect(failure?.cause == .disk)
        #expect(failure?.description.contains("lease.json: No such file or directory") == true)
        mkdir(directory.path + "/lease.json", 0o755)
        _ = try await store.create(lease()).get()
        unlink(directory.path + "/lease.json/lease.json")
    }

    @Test("A file that cannot be written is an error and leaves what was there before")
    func unwritable() async throws {
        let store = NodeStatusFile(directory: directory.path)
        #expect(await store.write(["a": 1]).failureValue == nil)
        // Nothing can be made there: the name is taken by a directory.
        mkdir(directory.path + "/.node-status.json.new", 0o755)
        #expect(await store.write(["a": 2]).cause == .disk)
        #expect(directory.read("node-status.json") == ["a": 1])
        rmdir(directory.path + "/.node-status.json.new")
        #expect(await store.write(["a": 2]).failureValue == nil)
        #expect(directory.read("node-status.json") == ["a": 2])
    }

    @Test("A link beside the file is not followed")
    func link() async {
        symlink("/dev/full", directory.path + "/.node-status.json.new")
        #expect(await NodeStatusFile(directory: directory.path).write(["a": 1]).failureValue == nil)
        #expect(directory.read("node-status.json") == ["a": 1])
    }

    @Test("A disk that hangs holds up one call, and the next ones fail at once until it answers")
    func hungDisk() async {
        let clock = TestClock()
        let file = FileAccess(path: directory.path + "/lease.json", clock: clock.kube)
        let gate = Gate()
        let first = Task {
            await file.run("write") { _ -> Result<Bool, HeartbeatFailure> in
                gate.wait()
                return .success(true)
            }
        }
        await clock.manual.waitForSleepers(1)
        let second = await file.run("write") { _ in Result<Bool, HeartbeatFailure>.success(true) }
        #expect(second.cause == .disk)
        #expect(second.failureValue?.description.contains("the disk does not answer") == true)
        clock.manual.advance(by: .seconds(5))
        #expect(await first.value.cause == .disk)
        let third = await file.run("write") { _ in Result<Bool, HeartbeatFailure>.success(true) }
        #expect(third.cause == .disk)
        gate.open()
        let deadline = ContinuousClock.now + .seconds(30)
        var fourth = third
        while fourth.cause != nil, ContinuousClock.now < deadline {
            await Task.yield()
            fourth = await file.run("write") { _ in .success(true) }
        }
        #expect(fourth.cause == nil)
    }
}

/// Holds a thread up.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() {
        while !isOpen.withLock({ $0 }) { usleep(1_000) }
    }
}
