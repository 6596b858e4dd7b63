// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import Glibc

/// The seccomp filter, made from ``FilterRule/allowed``.
package final class Filter {
    private let context: scmp_filter_ctx

    // Macros of <seccomp.h> with a cast or an argument, which Swift does not import.
    private static let allow: UInt32 = 0x7FFF_0000
    private static let trap: UInt32 = 0x0003_0000
    private static let killProcess: UInt32 = 0x8000_0000

    /// Builds the filter without loading it.
    ///
    /// A denied call raises SIGSYS: with ``DeniedCalls`` it then fails with EPERM and is counted, without it the
    /// process dies. A call of another architecture (i386, x32) always kills.
    package init() throws(StartFailure) {
        guard let context = seccomp_init(Self.trap) else { throw StartFailure("seccomp_init", ENOMEM) }
        self.context = context
        try Self.check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, Self.killProcess), "bad architecture action")
        for rule in FilterRule.allowed {
            let number = seccomp_syscall_resolve_name(rule.name)
            // Negative: unknown here, or a call that only other architectures have.
            guard number >= 0 else { continue }
            let conditions = rule.conditions.map(\.comparison)
            let result = conditions.withUnsafeBufferPointer {
                seccomp_rule_add_array(context, Self.allow, number, UInt32($0.count), $0.baseAddress)
            }
            try Self.check(result, "the rule for \(rule.name)")
        }
    }

    deinit {
        seccomp_release(context)
    }

    /// Loads it into the calling thread, for good.
    package func load() throws(StartFailure) {
        try Self.check(seccomp_load(context), "seccomp_load")
    }

    /// The filter as libseccomp's pseudo code, to be read and compared.
    package func text() throws(StartFailure) -> String {
        let descriptor = nodekeep_memory_file("filter")
        guard descriptor >= 0 else { throw StartFailure("memfd_create", errno) }
        defer { close(descriptor) }
        try Self.check(seccomp_export_pfc(context, descriptor), "seccomp_export_pfc")
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func check(_ result: Int32, _ what: String) throws(StartFailure) {
        guard result == 0 else { throw StartFailure(what, -result) }
    }
}

extension FilterRule.Condition {
    fileprivate var comparison: scmp_arg_cmp {
        switch self {
        case .int(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: 0xFFFF_FFFF, datum_b: UInt64(value))
        case .pointer(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .bits(let argument, let mask, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        }
    }
}
