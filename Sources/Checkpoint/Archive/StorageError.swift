// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// A call on a file or directory that failed, worded for the operator: what failed, on which name, why, what to do.
package struct StorageError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// `errno` of the call; 0 where something was found to be wrong and no call failed.
    package let code: Int32

    package init(_ description: String, code: Int32 = 0) {
        self.description = description
        self.code = code
    }

    /// `what name: why`, with the C library's word for `code`.
    init(_ what: String, _ name: String, code: Int32, hint: String = "") {
        self.init(failedCall(what, name, code: code, hint: hint), code: code)
    }

    /// The disk, its inodes or a quota is used up.
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    package var isMissing: Bool { code == ENOENT }
    /// Something of that name exists already.
    package var isTaken: Bool { code == EEXIST }
}
