# SPDX-License-Identifier: Apache-2.0
"""Runs test modules, each test within a time of its own, and prints a closing line with the counts."""

import faulthandler
import signal
import sys
import time
import unittest

# Seconds; the longest test takes a third of it on a machine that does nothing else. One may have a `LIMIT` of its own.
LIMIT = 300


class TookTooLong(Exception):
    """A test that hangs fails, and the others are run."""


def too_long(*_):
    faulthandler.dump_traceback(file=sys.__stdout__)
    raise TookTooLong("still not over")


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.took = {}

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        # Again every minute, for a test whose clean-up hangs as well.
        signal.setitimer(signal.ITIMER_REAL, getattr(test, "LIMIT", LIMIT), 60)

    def stopTest(self, test):
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.took[test.id()] = time.monotonic() - self.started
        super().stopTest(test)


def run(suite_name, directory, names):
    """Whether all of them passed, and there were some."""
    signal.signal(signal.SIGALRM, too_long)
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(directory), pattern="test_*.py")
    if loader.errors:
        print("\n".join(loader.errors))
        return False
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout, resultclass=Result).run(suite)
    print("The slowest:")
    for name, took in sorted(result.took.items(), key=lambda item: -item[1])[:10]:
        print(f"{took:8.1f} s  {name}")
    # A skipped test has shown nothing, so it counts as a failure here; one with several bad subtests counts once.
    bad = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors + result.skipped}
    bad |= {test.id() for test in result.unexpectedSuccesses}
    # What fails before a class's first test is no test that was run.
    tests = [name for name in bad if not name.startswith(("setUpClass", "setUpModule"))]
    print(f"{suite_name}: {max(0, result.testsRun - len(tests))} passed, {len(bad)} failed", flush=True)
    return not bad and result.testsRun > 0
