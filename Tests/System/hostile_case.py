# SPDX-License-Identifier: Apache-2.0
"""What the tests of a hostile web process have in common."""

import base64
import contextlib
import re
import time
import unittest

import gate
from hostile import TOKEN, WATCHDOG, Knocking, Stage, Watch
from support import wait_for

HELLO = ["hello"]
# No answers to pings behind what a case says.
MUTE = ["mute"]
MIB = 1 << 20
BEARER = ("authorization", f"Bearer {TOKEN}")
MAIN = {"listener": "main", "peer": ("tcp", "127.0.0.1", 40_000)}
# Secrets that cases send: none of them may come to the log.
SECRET = "hostile-secret-5fe2"


def say(*frames):
    return ["say", b"".join(frames).hex()]


def asks(**fields):
    """A request of the main listener that is good, but for the fields."""
    return say(gate.request(1, **{**MAIN, "path": "/metrics", "headers": [BEARER], **fields}))


def der(path):
    """The certificates of a file."""
    text = path.read_text()
    return [base64.b64decode(part) for part in re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END", text, re.S)]


class HostileTest(unittest.TestCase):
    """One agent for all the tests of a class: what a case leaves behind, the next ones would see."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)
        cls.stage.wait_for_real()
        cls.stage.agent.get("/livez", unix=True)
        cls.before = cls.stage.usage()

    @classmethod
    def tearDownClass(cls):
        after = cls.stage.usage()
        print(f"  KiB, descriptors, threads: {cls.before[:3]} became {after[:3]}", flush=True)
        assert after[0] < cls.before[0] + (12 << 10), f"{cls.before} became {after}"
        assert abs(after[1] - cls.before[1]) <= 2, f"{cls.before} became {after}"
        assert after[2] <= cls.before[2] + 4, f"{cls.before} became {after}"

    def setUp(self):
        self.stage.plan()
        self.stage.wait_for_real()
        self.log_begins = len(self.stage.agent.output())

    def tearDown(self):
        """Whatever a case did: the agent is the same one, and after it the true web process serves."""
        self.stage.plan()
        if not self.stage.is_real():
            wait_for(lambda: self.stage.agent.web_pid(), 5, "a web process")
            if not self.stage.is_real():
                self.stage.replace()
        self.stage.wait_for_real()
        self.assertIsNone(self.stage.agent.process.poll())
        log = self.log()
        for secret in (SECRET, TOKEN):
            self.assertNotIn(secret, log)

    def log(self):
        return self.stage.agent.output()[self.log_begins:]

    def line_about(self, pid):
        """The one line about the end of a web process."""
        lines = [line for line in self.log().splitlines() if "the web process " in line
                 and "starting another" in line and line.endswith(f" pid={pid}")]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def play(self, cases, slot="network", seconds=None):
        """Has the cases stand in one after the other, then the true one. Name -> what it saw."""
        self.stage.plan(**{slot: [*cases.values(), "real"]})
        self.stage.replace(slot)
        # Somebody must wait at the socket for one to be started.
        with Knocking(self.stage) if slot == "socket" else contextlib.nullcontext():
            self.wait_for_last(cases, slot, seconds or 5 + 2 * len(cases))
        self.stage.wait_for_real(slot)
        seen = self.stage.seen(slot)
        self.assertEqual(len(seen), len(cases))
        return dict(zip(cases, seen))

    def wait_for_last(self, cases, slot, seconds):
        deadline = time.monotonic() + seconds
        while self.stage.starts(slot) <= len(cases):
            if time.monotonic() > deadline:
                number = self.stage.starts(slot) - 1
                name = list(cases)[number] if number >= 0 else "none"
                self.fail(f"still there: {name}: {self.stage.seen(slot)[-1].events}\n{self.log()[-2000:]}")
            time.sleep(0.01)

    def assertDropped(self, cases, slot="network"):
        """name -> (steps, words of the log). Nothing but the last step is wrong, and nothing is answered after it."""
        seen = self.play({name: steps for name, (steps, _) in cases.items()}, slot)
        for name, (_, words) in cases.items():
            with self.subTest(name):
                line = self.line_about(seen[name].pid)
                self.assertIn(f": {words}; starting another, the listeners stay open", line)
                self.assertIn(" error ", line)
                self.assertLess(len(line), 400)
                self.assertEqual(seen[name].all("answer"), [])
        return seen

    def assertQuiet(self, watch, gap=2.5):
        """Beside it everything else went on."""
        self.assertEqual(watch.wrong, [])
        self.assertLess(watch.slowest, 2.5)
        self.assertGreaterEqual(len(watch.readings), int(watch.took) - 2)
        self.assertLess(watch.silence, WATCHDOG)
        self.assertLess(max(watch.gaps(), default=0), gap)

    def flood(self, *steps, seconds=90, memory=48):
        """The steps, and then its end. What it saw; what the agent took stays within bounds."""
        self.stage.agent.get("/livez", unix=True)
        begin = self.stage.usage()
        with Watch(self.stage) as watch:
            seen = self.play({"flood": [HELLO, *steps, ["exit"]]}, seconds=seconds)["flood"]
        self.assertLess(watch.highest[0] - begin[0], memory << 10, "KiB")
        self.assertLess(watch.highest[1] - begin[1], 16)
        self.assertLess(watch.highest[2] - begin[2], 12)
        self.assertQuiet(watch)
        return seen, watch
