# SPDX-License-Identifier: Apache-2.0
"""Runs every system test and prints a closing line with the counts. usage: run.py [NAME…]"""

import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def main():
    if os.geteuid() != 0:
        sys.exit("the system tests mount file systems and switch users: run them as root")
    names = sys.argv[1:]
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE), pattern="test_*.py")
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    # A skipped test has shown nothing, so it counts as a failure here; one with several bad subtests counts once.
    bad = {getattr(test, "test_case", test).id()
           for test, _ in result.failures + result.errors + result.skipped}
    bad |= {test.id() for test in result.unexpectedSuccesses}
    bad = len(bad)
    passed = max(0, result.testsRun - bad)
    print(f"system: {passed} passed, {bad} failed")
    sys.exit(0 if bad == 0 and result.testsRun > 0 else 1)


if __name__ == "__main__":
    main()
