# SPDX-License-Identifier: Apache-2.0
"""Memory, threads and processor time of processes."""

import ctypes
import os
import pathlib
import re
import resource
import sys
import time


class CannotMeasure(Exception):
    pass


def say(what):
    print(f"bench: {what}", file=sys.stderr, flush=True)


def poll(condition, seconds, what, pause=0.001):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{what}: not within {seconds} s")
        time.sleep(pause)


def memory(pid):
    """PSS, RSS and anonymous memory in bytes."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except PermissionError:
        raise CannotMeasure("memory: reading /proc/PID/smaps_rollup takes root") from None
    values = {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return {"PSS": values["Pss"], "RSS": values["Rss"], "anonymous": values["Anonymous"]}


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def cpu_time(pid):
    """Processor time of all threads of the process, also those that have ended, in seconds: clock_getcpuclockid(3)."""
    return time.clock_gettime(ctypes.c_int32((~pid << 3) | 2).value)


class MachineTime:
    """How many cores were busy with something else than `pids` and the processes that we waited for."""

    def __init__(self, pids):
        self.pids = pids
        self.started = time.monotonic()
        self.before = self.busy()

    def busy(self):
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = fields[:8]
        all_of_it = (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")
        ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return all_of_it - sum(usage.ru_utime + usage.ru_stime for usage in ours) - sum(map(cpu_time, self.pids))

    def others(self):
        return max(0, self.busy() - self.before) / (time.monotonic() - self.started)


def web_pid(agent):
    pid = agent.web_pid()
    if pid is None:
        raise CannotMeasure("the agent has no web process")
    return pid
