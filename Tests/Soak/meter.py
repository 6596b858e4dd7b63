# SPDX-License-Identifier: Apache-2.0
"""What a node's processes hold at rest: anonymous memory, descriptors, threads."""

import dataclasses
import os
import pathlib
import re
import time

# Seen were up to 0.7 MiB between two rests after two minutes: what the allocator keeps differs with what happened to be
# open at the same time. There are some twenty connections a second to each node: what leaks 60 bytes with each of them
# shows in half an hour, what leaks a kilobyte in two minutes.
MEMORY = {"agent": 2 << 20, "network": 2 << 20, "socket": 2 << 20}
# A look at a file that is under way in the moment of the reading.
DESCRIPTORS = 2
THREADS = 0


@dataclasses.dataclass
class Reading:
    pid: int
    anonymous: int
    descriptors: int
    threads: int

    def lower(self, other):
        """The least of two readings of one process."""
        return Reading(self.pid, *(min(getattr(self, name), getattr(other, name))
                                   for name in ["anonymous", "descriptors", "threads"]))

    def exceeds(self, before, kind):
        return (self.anonymous > before.anonymous + MEMORY[kind] or self.threads > before.threads + THREADS
                or self.descriptors > before.descriptors + DESCRIPTORS)


def read(pid):
    process = pathlib.Path(f"/proc/{pid}")
    rollup = (process / "smaps_rollup").read_text()
    return Reading(
        pid, int(re.search(r"^Anonymous:\s+(\d+) kB", rollup, re.M)[1]) << 10, len(os.listdir(process / "fd")),
        len(os.listdir(process / "task")))


def readings(node):
    """Of the agent and of both web processes; a connection to the socket keeps that one there."""
    node.get("/livez", unix=True)
    pids = {"agent": node.agent_pid(), **node.web_pids()}
    return {kind: read(pid) for kind, pid in pids.items()}


def is_at_rest(node):
    """Nobody is connected but us, nothing is under way."""
    metrics = node.metrics()
    return metrics["nodekeep_web_connections"] <= 2 and not node.unfinished() and not node.dumps()


def least(nodes, seconds):
    """The least of each that was seen for so long."""
    found = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for node in nodes:
            for kind, reading in readings(node).items():
                before = found.get((node.name, kind))
                found[node.name, kind] = reading.lower(before) if before and before.pid == reading.pid else reading
        time.sleep(1)
    return found


def settled(nodes, before, seconds):
    """Readings within the bounds, as soon as they are; otherwise those at the deadline."""
    until = time.monotonic() + seconds
    found = {}
    while True:
        for node in nodes:
            for kind, reading in readings(node).items():
                key = (node.name, kind)
                known = found.get(key)
                found[key] = reading.lower(known) if known and known.pid == reading.pid else reading
        if time.monotonic() > until or not any(
                reading.exceeds(before[key], key[1]) for key, reading in found.items() if key in before):
            return found
        time.sleep(1)
