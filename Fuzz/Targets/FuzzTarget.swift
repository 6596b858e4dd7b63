// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One parser, or several of one kind, of bytes that somebody else has made, and what must hold of what comes out.
struct FuzzTarget: Sendable {
    let name: String
    /// Bytes. Longer inputs are not tried: what is new in them is found in shorter ones, and faster.
    let maximumLength: Int
    /// Does not return where something does not hold.
    let run: @Sendable ([UInt8]) -> Void

    static let all: [FuzzTarget] = [
        path, requestFields, gateFromWeb, gateFromAgent, configuration, yaml, values, staticTokens, tokenList, policy,
        kubeconfig, kubeAnswer, kubeObjects, certificates, pem, kernelText, netlink, processText, tar, criuImages,
        jobFiles,
        runtimeAnswers,
    ]

    /// What `FUZZ_TARGET` names.
    static let selected: FuzzTarget? = {
        guard let name = getenv("FUZZ_TARGET") else { return nil }
        return (all + planted).first { $0.name == String(cString: name) }
    }()
}

/// Ends the process where something that must hold does not: libFuzzer keeps the input.
func check(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    complain("does not hold: \(what())")
    abort()
}

func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

/// A message that goes into a log or to an operator: one line, and not a long one.
func checkLine(_ text: String, limit: Int = 4_096) {
    check(text.utf8.count <= limit, "a message is short: \(text.utf8.count) bytes of \(text.prefix(200))")
    let strange = text.unicodeScalars.first { scalar in
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
    check(strange == nil, "a message is one line: \(text.debugDescription)")
}

/// The names of namespaces, pods and containers, as the file system will see them.
func checkName(_ name: String) {
    let isPlain = name.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x2e
    }
    check(isPlain && !name.isEmpty && name.utf8.count <= 253, "\(name.debugDescription) is a Kubernetes name")
    check(!name.utf8.split(separator: 0x2e, omittingEmptySubsequences: false).contains { $0.isEmpty }, "no .. in it")
}

/// Bytes that are in no input and that must be in no message.
enum Canary {
    static let text = "nkcanary"
    static let bytes = Array(text.utf8)

    /// The input with the canary behind each of these marks.
    static func put(into bytes: [UInt8], behind marks: [String]) -> [UInt8] {
        let marks = marks.map { Array($0.utf8) }
        var result: [UInt8] = []
        for byte in bytes {
            result.append(byte)
            if marks.contains(where: { $0.last == byte && result.suffix($0.count).elementsEqual($0) }) {
                result += Self.bytes
            }
        }
        return result
    }

    static func check(_ message: String) {
        nodekeep_fuzz.check(!message.utf8.contains(Self.text.utf8), "a message tells no secret: \(message)")
    }
}

extension Collection<UInt8> {
    func contains(_ other: some Collection<UInt8>) -> Bool {
        guard let first = other.first else { return true }
        var rest = self[...]
        while let index = rest.firstIndex(of: first) {
            rest = rest[index...]
            if rest.starts(with: other) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}

/// Takes apart an input that stands for several things. Nothing fails: what is not there is zero or empty.
struct Pieces {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// With its length in two bytes before it, the high one first; the last one may be cut short.
    mutating func blob() -> [UInt8] {
        let length = Int(byte()) << 8 | Int(byte())
        let blob = rest.prefix(length)
        rest = rest.dropFirst(blob.count)
        return Array(blob)
    }

    mutating func line() -> String {
        let line = rest.prefix { $0 != 0x0a }
        rest = rest.dropFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }
}
