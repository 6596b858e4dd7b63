# SPDX-License-Identifier: Apache-2.0
"""What the soak has done and seen, from many threads: counts, failures, and answers that never came."""

import collections
import dataclasses
import json
import threading
import time


@dataclasses.dataclass
class Loss:
    """A connection that ended under a request. Times are of the monotonic clock, which all processes share."""

    node: str
    web: str  # whose connection it was: the "network" process's or the "socket" one's
    what: str
    opened: float
    ended: float
    was_kept: bool  # it had carried requests before

    def is_of(self, kill):
        """Whether that process was killed while the connection was open."""
        return (self.node, self.web) == (kill.node, kill.web) and kill.began <= self.ended and self.opened <= kill.ended


@dataclasses.dataclass
class Kill:
    node: str
    web: str
    began: float
    ended: float


class Books:
    """Failures are kept in words, the first of each kind; all of them are counted."""

    EXAMPLES = 3

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.failures = collections.Counter()
        self.examples = collections.defaultdict(list)
        self.losses = []
        self.kills = []
        self.slowest = {}

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def took(self, what, seconds):
        with self.lock:
            self.counts[what] += 1
            self.slowest[what] = max(self.slowest.get(what, 0), seconds)

    def fail(self, kind, words):
        with self.lock:
            self.failures[kind] += 1
            if len(self.examples[kind]) < self.EXAMPLES:
                self.examples[kind].append(f"{time.strftime('%H:%M:%S')} {words}"[:600])

    def lost(self, loss):
        with self.lock:
            self.losses.append(loss)

    def killed(self, kill):
        with self.lock:
            self.kills.append(kill)

    def judge(self, losses):
        """(with a killed process, closed between two requests, for no reason that we know)"""
        killed = [loss for loss in losses if any(loss.is_of(kill) for kill in self.kills)]
        rest = [loss for loss in losses if loss not in killed]
        return killed, [loss for loss in rest if loss.was_kept], [loss for loss in rest if not loss.was_kept]

    # From another process.

    def text(self):
        with self.lock:
            return json.dumps({
                "counts": self.counts, "failures": self.failures, "examples": self.examples, "slowest": self.slowest,
                "losses": [dataclasses.asdict(loss) for loss in self.losses]})

    def add(self, text):
        other = json.loads(text)
        with self.lock:
            self.counts.update(other["counts"])
            self.failures.update(other["failures"])
            for kind, words in other["examples"].items():
                self.examples[kind] += words
            for what, seconds in other["slowest"].items():
                self.slowest[what] = max(self.slowest.get(what, 0), seconds)
            self.losses += [Loss(**loss) for loss in other["losses"]]
