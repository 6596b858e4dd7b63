// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("The identity of the main listener")
struct ServerIdentityTests {
    @Test("An identity within its limits is valid")
    func valid() throws {
        try Samples.identity.validate()
        var largest = Samples.identity
        largest.certificateChain = [[UInt8]](repeating: [UInt8](repeating: 0x30, count: 4_096), count: 16)
        largest.privateKey = [UInt8](repeating: 0x30, count: 16_384)
        largest.clientAuthorityNames = [[UInt8]](repeating: name(size: 128), count: 256)
        try largest.validate()
        for size in [2, 2 + 127, 3 + 128, 3 + 255, 4 + 256, 4 + 32_764] {
            largest.clientAuthorityNames = [name(size: size)]
            try largest.validate()
        }
    }

    @Test("A chain without certificates, with an empty one, or too long is not")
    func chain() {
        for sizes in [[], [0], [1, 0], [Int](repeating: 1, count: 17), [65_537], [65_536, 1]] {
            expectInvalid { $0.certificateChain = sizes.map { [UInt8](repeating: 0x30, count: $0) } }
        }
    }

    @Test("Nor without a key, or one that is too long")
    func key() {
        for size in [0, 16_385] {
            expectInvalid { $0.privateKey = [UInt8](repeating: 0x30, count: size) }
        }
    }

    @Test(
        "Names of authorities are DER sequences, each with the length that it says",
        arguments: [
            [], [0x30], [0x31, 0], [0x30, 1], [0x30, 1, 0, 0], [0x30, 0x80], [0x30, 0x80, 0, 0], [0x30, 0x81, 1, 0],
            [0x30, 0x81], [0x30, 0x82, 0], [0x30, 0x82, 0, 1, 0], [0x30, 0x83, 0, 0, 1, 0], [0x30, 0xFF],
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func names(name: [UInt8]) {
        expectInvalid { $0.clientAuthorityNames = [name] }
        expectInvalid { $0.clientAuthorityNames = [[0x30, 0], name] }
    }

    @Test("Not too many and not too long together")
    func tooManyNames() {
        expectInvalid { $0.clientAuthorityNames = [[UInt8]](repeating: [0x30, 0], count: 257) }
        expectInvalid { $0.clientAuthorityNames = [[UInt8]](repeating: name(size: 129), count: 255) }
    }

    @Test("It prints nothing of the key")
    func printing() {
        var identity = Samples.identity
        identity.privateKey = [201, 202, 203]
        var dumped = ""
        dump(AgentMessage.serverIdentity(identity), to: &dumped)
        for text in ["\(identity)", String(reflecting: identity), "\(AgentMessage.serverIdentity(identity))", dumped] {
            #expect(!text.contains("201"))
            #expect(!text.contains("202"))
        }
    }

    /// One sequence of exactly so many bytes.
    private func name(size: Int) -> [UInt8] {
        let header: [UInt8] =
            switch size {
            case ..<130: [0x30, UInt8(size - 2)]
            case ..<259: [0x30, 0x81, UInt8(size - 3)]
            default: [0x30, 0x82, UInt8((size - 4) >> 8), UInt8((size - 4) & 0xFF)]
            }
        return header + [UInt8](repeating: 0, count: size - header.count)
    }

    private func expectInvalid(
        _ change: (inout ServerIdentity) -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var identity = Samples.identity
        change(&identity)
        #expect(throws: GateError.self, sourceLocation: sourceLocation) { try identity.validate() }
    }
}
