// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A call on a file or directory that failed, worded for the operator: `what name: why; what to do`, with the C library's
/// word for `code`.
package func failedCall(_ what: String, _ name: String, code: Int32, hint: String = "") -> String {
    var parts = ["\(what) \(name): \(String(cString: strerror(code)))"]
    // In the packaged service nearly everything is.
    if code == EROFS { parts.append("give the service a drop-in (nodekeep config check shows it)") }
    if !hint.isEmpty { parts.append(hint) }
    return parts.joined(separator: "; ")
}
