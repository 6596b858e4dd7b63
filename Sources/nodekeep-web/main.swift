// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import Glibc
internal import Web

exit(WebProcess.run(gate: GateFraming.webDescriptor))
