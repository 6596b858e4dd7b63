// SPDX-License-Identifier: Apache-2.0
import CFuzzer
import Glibc

// usage: nodekeep-fuzz --list
//        FUZZ_TARGET=NAME nodekeep-fuzz [libFuzzer's flags, files and directories]
// The name is in the environment, because libFuzzer starts itself again with its own arguments.
if CommandLine.arguments.dropFirst().elementsEqual(["--list"]) {
    for target in FuzzTarget.all {
        print(target.name, target.maximumLength)
    }
    exit(0)
}
guard FuzzTarget.selected != nil else {
    complain("FUZZ_TARGET must be one of: \((FuzzTarget.all + FuzzTarget.planted).map(\.name))")
    exit(2)
}
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
        FuzzTarget.selected?.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    })
