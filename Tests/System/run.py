# SPDX-License-Identifier: Apache-2.0
"""Runs every system test and prints closing lines with the counts. usage: run.py [NAME…]

Without names, what mostly waits for leases is run beside the rest; its output comes at the end.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import suite

# They share nothing of the machine with the others, and measure nothing.
BESIDE = ("test_heartbeat", "test_kubeapi", "test_manifests", "test_prometheus", "test_shutdown")


def run_all():
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    beside = [name for name in names if name.startswith(BESIDE)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, __file__, *beside], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            good = suite.run("system", HERE, [name for name in names if name not in beside])
            print(f"waiting for {' '.join(beside)}", flush=True)
            code = process.wait(2400)
        finally:
            process.kill()
            process.wait()
            output.seek(0)
            print(output.read().decode(errors="replace"), flush=True)
        return good and code == 0


def main():
    if os.geteuid() != 0:
        sys.exit("the system tests mount file systems and switch users: run them as root")
    good = suite.run("system", HERE, sys.argv[1:]) if sys.argv[1:] else run_all()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
