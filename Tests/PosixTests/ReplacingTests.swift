// SPDX-License-Identifier: Apache-2.0

import Glibc
import Posix
import Testing

@Suite("Replacing a file as a whole")
struct ReplacingTests {
    private let path: String

    init() throws {
        var template = Array("/tmp/posix-test-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    private func error(_ body: () throws(ErrorNumber) -> Void) -> Int32? {
        do {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    private func content(_ name: String) throws -> [UInt8] {
        try Descriptor.open(path + "/" + name, O_RDONLY | O_NOFOLLOW).read(limit: 100)
    }

    private func isThere(_ name: String) -> Bool {
        var status = stat()
        return lstat(path + "/" + name, &status) == 0
    }

    @Test("The mode is what was asked for, whatever was there and whatever the umask is")
    func mode() throws {
        try Descriptor.replace(path + "/a", with: [1], mode: 0o666)
        #expect(try Descriptor.open(path + "/a", O_RDONLY).status().st_mode & 0o7777 == 0o666)
        try Descriptor.replace(path + "/a", with: [2, 3])
        #expect(try Descriptor.open(path + "/a", O_RDONLY).status().st_mode & 0o7777 == 0o600)
        #expect(try content("a") == [2, 3])
        #expect(!isThere(".a.new"))
    }

    @Test("What was left behind, or planted, beside it is not followed")
    func leftBehind() throws {
        try Descriptor.replace(path + "/outside", with: [9])
        #expect(symlink(path + "/outside", path + "/.a.new") == 0)
        try Descriptor.replace(path + "/a", with: [1])
        #expect(try content("a") == [1])
        #expect(try content("outside") == [9])
        #expect(link(path + "/outside", path + "/.a.new") == 0)
        try Descriptor.replace(path + "/a", with: [2])
        #expect(try content("outside") == [9])
    }

    @Test("A link in its place is replaced, not what it leads to")
    func linkInItsPlace() throws {
        try Descriptor.replace(path + "/outside", with: [9])
        #expect(symlink("outside", path + "/a") == 0)
        try Descriptor.replace(path + "/a", with: [1])
        #expect(try content("a") == [1])
        #expect(try content("outside") == [9])
    }

    @Test("When it cannot be done, the old one stays and nothing is left beside it")
    func failures() throws {
        #expect(mkdir(path + "/directory", 0o700) == 0)
        #expect(error { () throws(ErrorNumber) in try Descriptor.replace(path + "/directory", with: [1]) } == EISDIR)
        #expect(!isThere(".directory.new"))
        #expect(error { () throws(ErrorNumber) in try Descriptor.replace(path + "/no/a", with: [1]) } == ENOENT)
        #expect(mkdir(path + "/.b.new", 0o700) == 0)
        #expect(error { () throws(ErrorNumber) in try Descriptor.replace(path + "/b", with: [1]) } == EEXIST)
        #expect(!isThere("b"))
    }

    @Test("A full disk is an error, and an empty text is none")
    func fullDisk() throws {
        let full = try Descriptor.open("/dev/full", O_WRONLY)
        #expect(error { () throws(ErrorNumber) in try full.write([1]) } == ENOSPC)
        #expect(error { () throws(ErrorNumber) in try full.write([]) } == nil)
    }

    @Test("No more than the limit is read")
    func limit() throws {
        try Descriptor.replace(path + "/a", with: Array(repeating: 7, count: 100))
        let file = try Descriptor.open(path + "/a", O_RDONLY)
        #expect(try file.read(limit: 60).count == 60)
        #expect(try file.read(limit: 60).count == 40)
        #expect(try file.read(limit: 0).isEmpty)
    }
}
