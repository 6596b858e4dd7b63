// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Goes through /proc/net/dev; `body` gets each interface's name, valid only inside, and its counters.
func parseNetDev(
    _ text: TextCursor, name: String, _ body: (TextCursor, InterfaceCounters) -> Void
) throws(SourceFailure) {
    var text = text
    guard let first = text.line(), first.hasPrefix("Inter-"), text.line() != nil else {
        throw .failed("parse \(name): no header")
    }
    while var line = text.line() {
        line.skipBlanks()
        // The counters follow the colon; very old kernels put no blank between them. Aliases (eth0:1) are not listed.
        guard let interface = line.prefix(upTo: 0x3a), interface.length > 0 else { continue }
        var values = InlineArray<16, UInt64>(repeating: 0)
        var count = 0
        while count < 16, var word = line.word(), let value = word.wholeNumber() {
            values[count] = value
            count += 1
        }
        guard count == 16 else { throw .failed("parse \(name): \(interface.text) has \(count) counters") }
        body(
            interface,
            InterfaceCounters(
                receivedBytes: values[0], receivedPackets: values[1], receiveErrors: values[2],
                receiveDrops: values[3], sentBytes: values[8], sentPackets: values[9], sendErrors: values[10],
                sendDrops: values[11]))
    }
}
