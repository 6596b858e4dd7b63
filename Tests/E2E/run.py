# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests against real container runtimes and prints a closing line with the counts.

usage: run.py [NAME…]     tests by name, all without one
       run.py --bed       only starts containerd with one counting container, and waits until it is interrupted
"""

import os
import pathlib
import signal
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "System")]
sys.dont_write_bytecode = True

import inside


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def test(names):
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE), pattern="test_*.py")
    if loader.errors:
        print("\n".join(loader.errors))
        return False
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    # A skipped test has shown nothing, so it counts as a failure here; one with several bad subtests counts once.
    bad = {getattr(test, "test_case", test).id()
           for test, _ in result.failures + result.errors + result.skipped}
    bad |= {test.id() for test in result.unexpectedSuccesses}
    # What fails before a class's first test is no test that was run.
    passed = max(0, result.testsRun - len([name for name in bad if not name.startswith(("setUpClass", "setUpModule"))]))
    print(f"e2e: {passed} passed, {len(bad)} failed", flush=True)
    return not bad and result.testsRun > 0


def wait_in_bed():
    import bed
    import workloads
    there = bed.shared()
    container = workloads.Pod(there).container()
    print(f"bed {there.run.name} container {container.id} pid {container.pid()}", flush=True)
    print(*there.inside("ctr", "--address", there.socket, "--namespace", "k8s.io"), flush=True)
    signal.pause()


def main():
    if os.geteuid() != 0:
        sys.exit("the end-to-end tests mount file systems and run containers: run them as root")
    inside.enter(__file__, "e2e")
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, interrupted)
    import bed
    import runspace
    runspace.sweep()
    bed.RUN = runspace.Run()
    good = False
    try:
        good = test(sys.argv[1:]) if sys.argv[1:] != ["--bed"] else wait_in_bed()
    except KeyboardInterrupt as interrupt:
        print("interrupted", *interrupt.args, flush=True)
    finally:
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            signal.signal(number, signal.SIG_IGN)
        bed.close_all()
        bed.RUN.close()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
