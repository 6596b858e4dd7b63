// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Web

@Suite("The system call filter")
struct FilterTests {
    #if arch(x86_64)
        @Test("The filter is the one that was reviewed")
        func golden() throws {
            let path =
                #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Golden/filter-x86_64.pfc"
            let text = try Filter().text()
            if getenv("NODEKEEP_UPDATE_GOLDEN") != nil {
                let file = try #require(fopen(path, "w"))
                fputs(text, file)
                fclose(file)
            }
            let golden = try readFile(path)
            #expect(
                golden == text,
                "to accept the new filter: NODEKEEP_UPDATE_GOLDEN=1 swift test --filter FilterTests, and review the difference"
            )
        }
    #endif

    @Test("Inside, nothing is opened, connected, started, signalled or made executable")
    func probe() throws {
        let (errors, status) = try run("nodekeep-web-probe", ["all"])
        #expect(status == 0)
        let lines = errors.split(separator: "\n").map(String.init)
        let attempts = lines.filter { !$0.hasPrefix("denied: ") }
        #expect(attempts.count > 45)
        for line in attempts {
            // ENOSYS: a call that this architecture does not have at all.
            #expect(line.hasSuffix(": EPERM") || line.hasSuffix(": errno 38"), "\(line)")
        }
        for name in [
            "open", "connect", "socket", "clone", "thread", "execve", "mmap-exec", "mprotect-exec", "ptrace", "kill",
        ] {
            #expect(lines.contains("\(name): EPERM"))
        }
        let denied = lines.last.flatMap { Int($0.dropFirst("denied: ".count)) } ?? 0
        #expect(denied >= attempts.filter { $0.hasSuffix(": EPERM") }.count)
    }

    @Test(
        "Without the handler a denied call ends the process", arguments: ["open", "socket", "clone3", "mprotect-exec"])
    func strict(name: String) throws {
        let (errors, status) = try run("nodekeep-web-probe", ["strict", name])
        #expect(status & 0x7F == SIGSYS)
        #expect(errors == "")
    }

    #if arch(x86_64)
        @Test("A call in the x32 convention ends the process")
        func otherConvention() throws {
            #expect(try run("nodekeep-web-probe", ["x32"]).status & 0x7F == SIGSYS)
        }
    #endif
}
