# SPDX-License-Identifier: Apache-2.0
"""Installs the built package in a Debian 12 with a real systemd, and prints a closing line with the counts.

usage: run.py [NAME…]     tests by name, all without one
"""

import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "E2E"), str(HERE.parent / "System")]
sys.dont_write_bytecode = True

import inside
import machine
import session
import suite


def main():
    if os.geteuid() != 0:
        sys.exit("the package tests boot a system in namespaces: run them as root")
    # Every mount is made in here, every process started in a namespace below: all of it ends with this process.
    inside.enter(__file__, "e2e-deb")
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, session.interrupted)
    machine.sweep()
    good = False
    try:
        good = suite.run("deb", HERE, sys.argv[1:])
    finally:
        machine.close_all()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
