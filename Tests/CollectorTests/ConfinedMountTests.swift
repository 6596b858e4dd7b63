// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@testable import Collector

/// As systemd 252 has it for a service with `ProtectSystem=strict` and `ProtectHome=yes`, on a machine whose /srv is
/// mounted read-only; shortened.
private let ofTheService = """
    420 351 254:1 / / ro,relatime shared:201 master:1 - ext4 /dev/vda1 rw,errors=remount-ro
    421 420 254:2 / /home ro,relatime shared:202 master:30 - ext4 /dev/vda2 rw
    422 420 254:3 / /srv ro,relatime shared:203 master:31 - xfs /dev/vda3 rw,attr2
    423 420 254:4 / /data ro,relatime shared:204 master:32 - ext4 /dev/vda4 ro
    424 420 254:1 /var/lib/nodekeep /var/lib/nodekeep rw,relatime shared:205 master:1 - ext4 /dev/vda1 rw,errors=remount-ro
    425 420 254:5 / /mnt/only-here ro,relatime shared:206 - ext4 /dev/vda5 rw
    426 421 0:25 /systemd/inaccessible/dir /home ro,nosuid,nodev,noexec shared:207 master:5 - tmpfs tmpfs rw,size=400k,mode=755
    """
private let ofTheNode = """
    25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
    30 25 254:2 / /home rw,relatime shared:30 - ext4 /dev/vda2 rw
    31 25 254:3 / /srv ro,relatime shared:31 - xfs /dev/vda3 rw,attr2
    32 25 254:4 / /data rw,relatime shared:32 - ext4 /dev/vda4 ro
    33 25 254:6 / /mnt/only-here rw,relatime shared:33 - ext4 /dev/vda6 rw
    """

@Suite("Mounts as a confined service sees them")
struct ConfinedMountTests {
    @Test("read-only is what the node's own mount or the file system is, not what the service's mount is")
    func readOnly() {
        let own = selectMounts(parsing(ofTheService, parseMountinfo))
        let mounts = asTheNodeHasThem(own, node: parsing(ofTheNode, parseMountinfo))
        #expect(mounts.map(\.mountPoint) == ["/", "/srv", "/data", "/home", "/mnt/only-here"])
        #expect(mounts.map(\.isReadOnly) == [false, true, true, false, true])
        // Without a word of the node's there is only the service's.
        #expect(asTheNodeHasThem(own, node: []) == own)
        #expect(own.map(\.isReadOnly) == [true, true, true, true, true])
    }

    @Test("what the service hides is named as that, and is no source that fails")
    func hidden() throws {
        let clock = FakeClock()
        var options = CollectorOptions.fixture(fixture("cgroup2"), clock)
        options.systemCalls.statfs = { path in
            var measured = FileSystemMeasurement.example(path, device: "1:\(path.count)")
            measured.isMemory = path == "/boot/efi"
            return .success(measured)
        }
        let engine = Engine(options, probes: ProbeTable(), listensToKernel: false)
        for _ in 0..<3 {
            clock.advance(seconds: 1)
            engine.tick(grace: 5 * .second)
        }
        let mounts = try #require(engine.snapshot.fileSystems.value)
        let hidden = try #require(mounts.first { $0.mountPoint == "/boot/efi" })
        #expect(hidden.usage.missingReason?.hasPrefix("hidden from the agent") == true)
        #expect(engine.snapshot.source("statfs:/boot/efi")?.state == .ok)
        #expect(mounts.filter { $0.usage.value != nil }.count == mounts.count - 1)
    }
}
