// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the web process could not start, or not be confined; it does not serve then.
package struct StartFailure: Error, CustomStringConvertible {
    package var what: String
    package var code: Int32

    package init(_ what: String, _ code: Int32 = 0) {
        self.what = what
        self.code = code
    }

    package var description: String {
        guard code != 0, let reason = strerror(code) else { return what }
        return "\(what): \(String(cString: reason))"
    }
}
