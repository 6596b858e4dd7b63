// SPDX-License-Identifier: Apache-2.0

import Glibc

func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1000)
}

extension String {
    var trimmed: String {
        let front = drop { $0 == " " }
        return String(front.reversed().drop { $0 == " " }.reversed())
    }
}
