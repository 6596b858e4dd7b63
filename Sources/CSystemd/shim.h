// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal's macros would record the location of the wrapper rather than of its caller.
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
