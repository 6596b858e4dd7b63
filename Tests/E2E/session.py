# SPDX-License-Identifier: Apache-2.0
"""A run of what needs a container runtime: in a mount namespace, with whatever earlier runs left behind swept away, and
with nothing left behind when it ends, is interrupted or is ended."""

import os
import signal
import sys

import inside


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def run(script, body):
    """What `body` gives; None where it was interrupted. Outside the namespace it starts `script` again, inside.

    `body` gets a function that takes what is to be called at the end, which no signal disturbs, the last one first.
    """
    if os.geteuid() != 0:
        sys.exit(f"{os.path.basename(script)} runs containers and mounts file systems: run it as root")
    inside.enter(script, "e2e")
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, interrupted)
    import bed
    import runspace
    runspace.sweep()
    bed.RUN = runspace.Run()
    closing = []
    try:
        return body(closing.append)
    except KeyboardInterrupt as interrupt:
        print("interrupted", *interrupt.args, flush=True)
        return None
    finally:
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            signal.signal(number, signal.SIG_IGN)
        for close in reversed(closing):
            close()
        bed.close_all()
        bed.RUN.close()
