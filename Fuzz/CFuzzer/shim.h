// SPDX-License-Identifier: Apache-2.0
#ifndef NODEKEEP_FUZZER_H
#define NODEKEEP_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer without a main function of its own: takes its flags, and calls for each input. Ends with the process, or
/// returns what that should end with.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *bytes, size_t count));

#endif
