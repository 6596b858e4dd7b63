// SPDX-License-Identifier: Apache-2.0
import CRI
import Glibc
import Testing

@testable import Checkpoint

@Suite struct RuntimeFailureTests {
    @Test(arguments: [
        ("cannot pause a paused container: unknown", RuntimeFailure.contended),
        ("failed to pause container \"a\" before checkpointing", .contended),
        ("open /x/ctrd-checkpoint/status: no such file or directory", .contended),
        ("image \"containerd.io/checkpoint/a:11-21-2026-07:59:53\": already exists", .contended),
        ("write /x: no space left on device", .noSpace),
        ("write /x: disk quota exceeded", .noSpace),
        ("container abc is not running", .notRunning),
        ("criu failed: type NOTIFY errno 0", .other),
        ("", .other),
    ]) func words(_ line: (String, RuntimeFailure)) {
        #expect(RuntimeFailure(RuntimeError(.unknown, line.0)) == line.1)
    }

    @Test func codes() {
        #expect(RuntimeFailure(RuntimeError(.notFound, "cannot pause a paused container")) == .gone)
        #expect(RuntimeFailure.isCutOff(RuntimeError(.cancelled, "")))
        #expect(RuntimeFailure.isCutOff(RuntimeError(.unknown, "", isConnectionLoss: true)))
        #expect(!RuntimeFailure.isCutOff(RuntimeError(.unknown, "")))
        #expect(RuntimeFailure.meansForeignPause(RuntimeError(.unknown, "cannot pause a paused container")))
        #expect(!RuntimeFailure.meansForeignPause(RuntimeError(.unknown, "criu failed")))
    }

    @Test(arguments: [
        (RuntimeError(.notFound, "x"), TaskAnswer.gone),
        (RuntimeError(.deadlineExceeded, "x"), .busy),
        (RuntimeError(.unavailable, "server is not initialized yet"), .unreachable("server is not initialized yet")),
        (RuntimeError(.unknown, "x", isConnectionLoss: true), .unreachable("x")),
        (RuntimeError(.unknown, "x"), .unclear("x")),
    ]) func answers(_ line: (RuntimeError, TaskAnswer)) { #expect(TaskAnswer(line.0) == line.1) }

    @Test func runtimes() {
        #expect(RuntimeDescription(name: "containerd", version: "v2").kind == .containerd)
        #expect(RuntimeDescription(name: "cri-o", version: "").kind == .crio)
        #expect(RuntimeDescription(name: "docker", version: "").kind == .other)
        #expect(RuntimeDescription(name: "cri-o", version: "").text == "cri-o")
    }
}

@Suite struct DumpLogTests {
    private let id = FakeNode.container

    private func path(_ message: String) -> String? { DumpLogFinder.path(in: message, containerID: id) }

    @Test func pathOfRuncsMessage() {
        let bundle = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/\(id)/criu-dump.log"
        #expect(path("criu failed: type NOTIFY errno 0 path= \(bundle): unknown") == nil)
        #expect(path("criu failed: type NOTIFY errno 0 path= \(bundle)") == bundle)
        #expect(path("criu failed path=\(bundle) and more") == bundle)
        #expect(path("\"\(bundle)\"") == bundle)
    }

    @Test func pathsOfAnotherShape() {
        for path in [
            "/etc/shadow", "/a/\(id)/../x/\(id)/criu-dump.log", "relative/\(id)/criu-dump.log", "/criu-dump.log",
            "/other/criu-dump.log", "/\(id)/criu-dump.log/x",
            "/\(String(repeating: "a", count: 5_000))/\(id)/criu-dump.log",
        ] { #expect(self.path("path= \(path)") == nil) }
        #expect(DumpLogFinder.path(in: "path= /a/../criu-dump.log", containerID: "..") == nil)
        #expect(path("path= /a/../\u{301}/\(id)/criu-dump.log") == nil)
    }

    @Test func onlyRegularFilesOfOurOwn() throws {
        let scratch = try ArchiveScratch()
        mkdir(scratch.path + "/\(id)", 0o700)
        let log = "\(scratch.path)/\(id)/criu-dump.log"
        func read() -> [UInt8]? {
            DumpLogFinder.read(message: "path= \(log)", containerID: id, candidates: ["/nowhere"])
        }
        #expect(read() == nil)
        try scratch.write(Array("Error".utf8), to: "\(id)/criu-dump.log")
        #expect(read() == Array("Error".utf8))
        try scratch.write([UInt8](repeating: 7, count: 100_000) + [1], to: "\(id)/criu-dump.log")
        #expect(read()?.count == 64 << 10)
        #expect(read()?.last == 1)
        rename(log, log + ".real")
        symlink(log + ".real", log)
        #expect(read() == nil)
        unlink(log)
        mkfifo(log, 0o600)
        #expect(read() == nil)
        #expect(
            DumpLogFinder.read(message: "no path", containerID: id, candidates: [log, log + ".real"])?.count
                == 64 << 10)
    }
}
