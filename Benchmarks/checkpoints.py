#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures checkpoints of the built agent beside the runtime's own call, with a real containerd, runc and CRIU.

Run by bench.py, which takes what it prints: one JSON object. Everything else goes to standard error.
docs/benchmarks.md says what the numbers mean.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Tests" / "E2E"), str(ROOT / "Tests" / "System")]
sys.dont_write_bytecode = True

import inside  # noqa: E402
import measuring  # noqa: E402
from measuring import say  # noqa: E402


def memory(pid):
    """PSS and anonymous memory in bytes; None for a process that is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    values = {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return (values["Pss"], values["Anonymous"]) if "Pss" in values else None


class Peaks:
    """The most memory that each process was seen to use; `find` names the ones that come and go."""

    def __init__(self, processes, find):
        self.processes, self.find = processes, find
        self.most = {}
        self.samples = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.ended.wait(0.02):
            self.samples += 1
            for name, pid in [*self.processes.items(), *(("dump", pid) for pid in self.find())]:
                if seen := memory(pid):
                    before = self.most.get(name, (0, 0))
                    self.most[name] = tuple(map(max, before, seen))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def bare(container, location):
    """Seconds that the runtime's own call takes."""
    started = time.monotonic()
    container.checkpoint(location)
    taken = time.monotonic() - started
    os.unlink(location)
    return taken


def through_nodekeep(node, container, timeout=300):
    """Seconds until the answer, the archive's path, and its record's times in seconds."""
    answer = node.post(container.path, f"timeout={timeout}", timeout=timeout + 30)
    if answer.status != 200:
        raise AssertionError(f"checkpoint: {answer}")
    times = {phase: milliseconds / 1000 for phase, milliseconds in node.record(answer.job)["times"].items()}
    return answer.seconds, answer.path, times


def measure_small(bed, node, rounds):
    """The same container by turns: the bare call, and nodekeep."""
    import workloads
    pod = workloads.Pod(bed)
    container = pod.container()
    location = node.checkpoints.parent / "bare.tar"
    results = {"bare": [], "total": [], "queued": [], "prepare": [], "dump": [], "frozen": [], "verify": [], "publish": []}
    for number in range(rounds + 1):
        say(f"checkpoint {number} of {rounds}")
        took = bare(container, location)
        total, path, times = through_nodekeep(node, container)
        size = path.stat().st_size
        path.unlink()
        if number == 0:
            continue  # caches are warm from here on
        results["bare"].append(took)
        results["total"].append(total)
        for phase in times:
            results[phase].append(times[phase])
    container.counts_on()
    pod.remove()
    return {"size": size, "rounds": rounds, **results}


def measure_large(bed, node, megabytes, rounds):
    import workloads
    pod = workloads.Pod(bed)
    container = pod.container(command=workloads.filling(megabytes))
    location = node.checkpoints.parent / "bare.tar"
    peaks = {"agent": node.agent_pid(), "web": node.web_pid(), "containerd": bed.process.pid}
    result = {"bare": [], "total": [], "dump": [], "frozen": [], "verify": [], "publish": [], "sha256sum": []}
    with Peaks(peaks, lambda: node.dumps().values()) as seen:
        for number in range(rounds):
            say(f"checkpoint of {megabytes} MB, {number + 1} of {rounds}")
            result["bare"].append(bare(container, location))
            total, path, times = through_nodekeep(node, container)
            result["total"].append(total)
            for phase in result.keys() & times.keys():
                result[phase].append(times[phase])
            result["size"] = path.stat().st_size
            started = time.monotonic()
            subprocess.run(["sha256sum", path], check=True, stdout=subprocess.DEVNULL)
            result["sha256sum"].append(time.monotonic() - started)
            path.unlink()
    container.counts_on()
    pod.remove()
    if not {"agent", "web", "dump"} <= seen.most.keys():
        raise AssertionError(f"memory was seen of {sorted(seen.most)} only")
    return {**result, "memory": seen.most, "samples": seen.samples}


def measure_connected(bed, seconds):
    """Memory of an agent at rest that has everything: the runtime, TLS, every way to say who somebody is."""
    from guarded import Pairs
    from node import Node
    from support import free_port
    say(f"idle with the runtime and TLS for {seconds} s")
    with contextlib.closing(Pairs()) as pairs, Node(bed, config=pairs.configuration(free_port())) as node:
        time.sleep(seconds)
        pids = {"agent": node.agent_pid(), **node.web_pids()}
        return {name: measuring.memory(pid) for name, pid in pids.items()}


def main():
    parser = argparse.ArgumentParser(description="Measures checkpoints beside the runtime's own call.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--large-rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--idle", type=int, default=60)
    options = parser.parse_args()
    inside.enter(__file__, "bench")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    import bed
    import node
    import runspace
    runspace.sweep()
    bed.RUN = runspace.Run()
    try:
        there = bed.shared()
        connected = measure_connected(there, options.idle)
        agent = node.Node(there)
        try:
            result = {
                "runtime": " ".join(there.runtime.version()),
                "connected": connected,
                "small": measure_small(there, agent, options.rounds),
                "large": measure_large(there, agent, options.megabytes, options.large_rounds),
            }
        finally:
            agent.close()
    finally:
        bed.close_all()
        bed.RUN.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
