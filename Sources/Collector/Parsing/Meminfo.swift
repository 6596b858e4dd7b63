// SPDX-License-Identifier: Apache-2.0

/// What we need of /proc/meminfo, in bytes.
struct Meminfo: Equatable {
    var total: UInt64 = 0
    var free: UInt64?
    var available: UInt64?
    var buffers: UInt64 = 0
    var cached: UInt64 = 0
    var swapCached: UInt64 = 0
    var anonymous: UInt64 = 0
    var inactiveFile: UInt64 = 0
    var swapTotal: UInt64 = 0
    var swapFree: UInt64 = 0

    init(_ text: TextCursor, name: String) throws(SourceFailure) {
        var text = text
        var hasTotal = false
        while var line = text.line() {
            if line.take("MemTotal:") {
                total = try Self.bytes(line, "MemTotal", name)
                hasTotal = true
            } else if line.take("MemFree:") {
                free = try Self.bytes(line, "MemFree", name)
            } else if line.take("MemAvailable:") {
                available = try Self.bytes(line, "MemAvailable", name)
            } else if line.take("Buffers:") {
                buffers = try Self.bytes(line, "Buffers", name)
            } else if line.take("Cached:") {
                cached = try Self.bytes(line, "Cached", name)
            } else if line.take("SwapCached:") {
                swapCached = try Self.bytes(line, "SwapCached", name)
            } else if line.take("AnonPages:") {
                anonymous = try Self.bytes(line, "AnonPages", name)
            } else if line.take("Inactive(file):") {
                inactiveFile = try Self.bytes(line, "Inactive(file)", name)
            } else if line.take("SwapTotal:") {
                swapTotal = try Self.bytes(line, "SwapTotal", name)
            } else if line.take("SwapFree:") {
                swapFree = try Self.bytes(line, "SwapFree", name)
            } else if line.hasPrefix("Slab:") {
                // Everything of ours comes before or shortly after; AnonPages precedes it on every kernel.
                if hasTotal, anonymous > 0 { break }
            }
        }
        guard hasTotal, total > 0 else { throw .failed("parse \(name): no MemTotal") }
        guard free != nil else { throw .failed("parse \(name): no MemFree") }
    }

    /// `   24684100 kB`.
    private static func bytes(_ line: TextCursor, _ key: String, _ name: String) throws(SourceFailure) -> UInt64 {
        var line = line
        line.skipBlanks()
        if let value = line.number() {
            line.skipBlanks()
            let (bytes, overflow) = value.multipliedReportingOverflow(by: 1_024)
            if line.equals("kB"), !overflow { return bytes }
        }
        throw .failed("parse \(name): \(key) is not a number of kB")
    }

    /// What the v2 rule would give: anonymous and file pages.
    var estimatedUsage: UInt64 { anonymous.clampedSum(cached).clampedSum(buffers).clampedSum(swapCached) }
}

extension UInt64 {
    /// The sum, or the greatest number where it does not fit.
    func clampedSum(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The product, or the greatest number where it does not fit.
    func clampedProduct(_ other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    /// The difference, not below zero.
    func clampedDifference(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
