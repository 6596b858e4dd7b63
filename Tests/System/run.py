# SPDX-License-Identifier: Apache-2.0
"""Runs every system test and prints a closing line with the counts. usage: run.py [NAME…]"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import suite


def main():
    if os.geteuid() != 0:
        sys.exit("the system tests mount file systems and switch users: run them as root")
    sys.exit(0 if suite.run("system", HERE, sys.argv[1:]) else 1)


if __name__ == "__main__":
    main()
