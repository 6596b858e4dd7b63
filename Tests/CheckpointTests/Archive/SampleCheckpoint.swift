// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Checkpoint

/// The files of a checkpoint of two processes, as CRIU and the runtimes lay them out.
struct SampleCheckpoint {
    static let containerID = "6f1e9c8b0d2a4f37a1b5c9d3e7f80123456789abcdef0123456789abcdef0123"

    /// In the order in which they are written.
    var files: [(name: String, content: [UInt8])] = [
        ("config.dump", Array(#"{"id":"\#(containerID)","name":"count_counter_default_u_0"}"#.utf8)),
        ("spec.dump", Array(#"{"ociVersion":"1.2.0","process":{"args":["/count"]}}"#.utf8)),
        ("checkpoint/core-1.img", image(0x5505_3847, [[0x08, 0x01]])),
        ("checkpoint/core-7.img", image(0x5505_3847, [[0x08, 0x01]])),
        ("checkpoint/inventory.img", image(0x5831_3116, [[0x08, 0x02, 0x10, 0x01]], isCommon: false)),
        ("checkpoint/mm-1.img", image(0x5749_2820, [[0x08, 0x01]])),
        ("checkpoint/pagemap-1.img", pagemap(id: 1, entries: [(2, 4), (1, 4), (9, 1)])),
        ("checkpoint/pagemap-7.img", pagemap(id: 2, entries: [])),
        ("checkpoint/pages-1.img", [UInt8](repeating: 0xa5, count: 3 * pageSize)),
        ("checkpoint/pages-2.img", []),
        ("checkpoint/pstree.img", image(0x5027_3030, [[0x08, 1, 0x10, 0, 0x28, 1], [0x08, 7, 0x10, 1, 0x28, 7]])),
        ("checkpoint/descriptors.json", Array("[]".utf8)),
        ("dump.log", Array("(00.000001) Dumping finished successfully\n".utf8)),
        ("rootfs-diff.tar", [UInt8](repeating: 7, count: 1234)),
    ]

    subscript(_ name: String) -> [UInt8]? {
        get { files.first { $0.name == name }?.content }
        set {
            guard let index = files.firstIndex(where: { $0.name == name }) else {
                if let newValue { files.append((name, newValue)) }
                return
            }
            if let newValue { files[index].content = newValue } else { files.remove(at: index) }
        }
    }

    func tar() -> [UInt8] {
        var builder = TarBuilder()
        builder.add("checkpoint/", type: "5")
        for file in files { builder.add(file.name, file.content) }
        builder.end()
        return builder.bytes
    }

    /// As files below a directory, for other programs to pack.
    func unpack(into scratch: ArchiveScratch, _ directory: String) throws {
        try run("/bin/mkdir", "-p", "\(scratch.path)/\(directory)/checkpoint")
        for file in files { try scratch.write(file.content, to: "\(directory)/\(file.name)") }
    }

    /// What is wrong with its archive; nil when nothing is.
    func problem(containerID: String = SampleCheckpoint.containerID) throws -> String? {
        let scratch = try ArchiveScratch()
        do { _ = try verify(tar(), in: scratch, containerID: containerID) } catch let failure as VerificationFailure {
            return failure.description
        }
        return nil
    }
}

let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

/// An image of CRIU's: magic numbers, then messages with their lengths.
func image(_ magic: UInt32, _ messages: [[UInt8]], isCommon: Bool = true) -> [UInt8] {
    (isCommon ? word(0x5456_4319) : []) + word(magic) + messages.flatMap { word(UInt32($0.count)) + $0 }
}

func pagemap(id: UInt8, entries: [(pages: UInt8, flags: UInt8)]) -> [UInt8] {
    image(
        0x5608_4025,
        [[0x08, id]] + entries.map { [0x08, 0x80, 0x80, 0x04, 0x10, $0.pages, 0x20, $0.flags, 0x28, $0.pages] })
}

func word(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

/// Puts the bytes where a runtime would and verifies them.
func verify(
    _ bytes: [UInt8], in scratch: ArchiveScratch, containerID: String = SampleCheckpoint.containerID
) throws -> VerifiedArchive {
    let directory = try scratch.checkpoints()
    try directory.removeJob(someJob)
    let job = try directory.createJob(someJob)
    try scratch.write(bytes, to: "checkpoints/.nodekeep/\(someJob)/archive.tar")
    return try ArchiveVerifier(containerID: containerID).verify(job)
}
