# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests against real container runtimes and prints a closing line with the counts.

usage: run.py [NAME…]     tests by name, all without one
       run.py --bed       only starts containerd with one counting container, and waits until it is interrupted
"""

import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "System")]
sys.dont_write_bytecode = True

import session
import suite


def wait_in_bed():
    import bed
    import workloads
    there = bed.shared()
    container = workloads.Pod(there).container()
    print(f"bed {there.run.name} container {container.id} pid {container.pid()}", flush=True)
    print(*there.inside("ctr", "--address", there.socket, "--namespace", "k8s.io"), flush=True)
    signal.pause()


def body(_):
    return wait_in_bed() if sys.argv[1:] == ["--bed"] else suite.run("e2e", HERE, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(0 if session.run(__file__, body) else 1)
