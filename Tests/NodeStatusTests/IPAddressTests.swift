// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test(
        "An address is printed in its canonical form",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("2001:DB8::0001", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("fe80:0:0:0:0:0:0:1", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::192.0.2.1", "::c000:201"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ])
    func canonical(text: String, printed: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == printed)
        #expect(IPAddress(printed) == address)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
            "-1.2.3.4",
            "+1.2.3.4", "::1%eth0", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "::1.2.3",
            "1.2.3.4::",
            ":1", "1:", "1:2:3:4:5:6:7:8::", "::/0", "[::1]", "+1::", "1:2:3:4:5:6:7:1.2.3.4", "node1", "１.2.3.4",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
        #expect(text == "01.2.3.4" || IPAddress(text, sloppyIPv4: true) == nil)
    }

    @Test("Leading zeros are allowed where the kubelet allows them")
    func sloppy() {
        #expect(IPAddress("010.000.002.0001", sloppyIPv4: true)?.description == "10.0.2.1")
    }

    @Test(
        "An address is of the kinds that Go says",
        arguments: [
            ("127.0.0.1", "loopback"), ("127.255.0.9", "loopback"), ("::1", "loopback"), ("224.0.0.1", "multicast"),
            ("239.1.1.1", "multicast"), ("ff02::1", "multicast"), ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"), ("febf::1", "link-local"), ("0.0.0.0", "unspecified"), ("::", "unspecified"),
            ("255.255.255.255", "none"), ("10.0.0.1", "global"), ("192.168.1.1", "global"), ("fd00::1", "global"),
            ("fec0::1", "global"), ("2001:db8::1", "global"), ("8.8.8.8", "global"), ("128.0.0.1", "global"),
        ])
    func kinds(text: String, kind: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isLoopback == (kind == "loopback"))
        #expect(address.isMulticast == (kind == "multicast"))
        #expect(address.isLinkLocalUnicast == (kind == "link-local"))
        #expect(address.isUnspecified == (kind == "unspecified"))
        #expect(address.isGlobalUnicast == (kind == "global"))
    }

    @Test(
        "A list of node addresses is one, or one of each family",
        arguments: [
            ("", 0), ("  ", 0), ("192.0.2.1", 1), (" 192.0.2.1 , 2001:db8::1 ", 2), ("::", 1), ("010.0.0.1", 1),
        ])
    func nodeIPs(text: String, count: Int) throws {
        #expect(try NodeIPs.parse(text).count == count)
    }

    @Test(
        "Other lists of node addresses are refused",
        arguments: [
            "x", "192.0.2.1,", "192.0.2.1,192.0.2.2", "::1,::2", "192.0.2.1,::", "0.0.0.0,::1", "192.0.2.1,::1,::2",
            ",",
        ])
    func badNodeIPs(text: String) {
        #expect(throws: SyntaxError.self) { try NodeIPs.parse(text) }
    }
}
