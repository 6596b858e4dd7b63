#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the built agent beside Debian's node_exporter on this machine, in one run, and prints one table.

Run it as root after `make build`: `make bench`, or `python3 Benchmarks/bench.py [--quick]`. Standard library only.
It ends with 0 also when a budget is missed, which the table then says; with 1 when something could not be measured.
docs/benchmarks.md says what each row means.
"""

import argparse
import contextlib
import json
import lzma
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Tests" / "System")]
sys.dont_write_bytecode = True

import access  # noqa: E402
import heartbeat  # noqa: E402
from load import NODE_EXPORTER, NodeExporter, Subject, measure_load  # noqa: E402
from measuring import CannotMeasure, cpu_time, memory, poll, say, threads, web_pid  # noqa: E402
from support import BUILD, NODEKEEP, Agent  # noqa: E402
from table import MB, Table, megabytes, ratio, seconds_text  # noqa: E402

PAGE_LIMIT = 8 * 1024


def measure_requests(table, agent, exporter, seconds, rounds):
    gzip = {"Accept-Encoding": "gzip"}
    ours, pids = f"http://127.0.0.1:{agent.port}", [agent.agent_pid(), web_pid(agent)]
    subjects = [
        Subject(path + more, ours + path, pids, headers) for path, more, headers in [
            ("/status", "", {}), ("/status", ", gzip", gzip), ("/node", "", {}), ("/node", ", gzip", gzip),
            ("/metrics", "", {}), ("/metrics", ", gzip", gzip), ("/healthz", "", {})]]
    subjects += [
        Subject("node_exporter /metrics", f"{exporter.url}/metrics", exporter.pids),
        Subject("node_exporter /metrics, 4 connections", f"{exporter.url}/metrics", exporter.pids, {}, 4),
    ]
    return measure_load(table, "requests: 1 wrk thread, 32 connections", subjects, seconds, rounds, PAGE_LIMIT)


# Processes


def measure_idle(agent, exporter, seconds):
    """Share of one core with nobody asking, for each of agent, web and node_exporter."""
    pids = [agent.agent_pid(), web_pid(agent), exporter.process.pid]
    say(f"idle for {seconds} s")
    started = time.monotonic()
    before = [cpu_time(pid) for pid in pids]
    time.sleep(seconds)
    passed = time.monotonic() - started
    return [(cpu_time(pid) - then) / passed for pid, then in zip(pids, before)]


def memory_rows(table, when, agent, web, exporter, budgets):
    for kind in ["PSS", "RSS", "anonymous"]:
        ours = agent[kind] + web[kind]
        limit = budgets.get(kind)
        table.row(
            f"{kind} {when}", megabytes(agent[kind]), megabytes(web[kind]), megabytes(ours),
            megabytes(exporter[kind]), "", "", ratio(ours, exporter[kind]), budget=f"<= {limit} MB" if limit else "",
            met=ours <= limit * MB if limit else None)


# Times


def started_agent():
    """Seconds from spawn to the first 200 on /readyz, and to the first /status in which no source is missing."""
    began = time.monotonic()
    agent = Agent(wait=False)
    try:
        def ready():
            try:
                return agent.get("/readyz", timeout=1).status == 200
            except OSError:
                return False

        def complete():
            if agent.process.poll() is not None:
                raise CannotMeasure(f"start-up: the agent ended:\n{agent.output()}")
            sources = json.loads(agent.get("/status").body)["collectors"]
            return len(sources) > 0 and all(source["state"] in ("ok", "absent") for source in sources)

        poll(ready, 10, f"ready\n{agent.output()}")
        until_ready = time.monotonic() - began
        poll(complete, 10, "a snapshot with every source")
        return until_ready, time.monotonic() - began
    finally:
        agent.close()


@contextlib.contextmanager
def small_file_system():
    """A tmpfs of 64 MB that the agent takes for its node's file system."""
    with tempfile.TemporaryDirectory(prefix="nodekeep-bench-") as directory:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", directory], capture_output=True, text=True)
        if mounted.returncode != 0:
            raise CannotMeasure(f"threshold crossing: mounting a tmpfs takes root: {mounted.stderr.strip()}")
        try:
            yield pathlib.Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


CROSSING = """\
evictionHard: {nodefs.available: 50%, memory.available: 1Mi}
evictionPressureTransitionPeriod: 1s
"""


def measure_crossing(tries):
    """Seconds from the write that crosses the threshold of nodefs.available to DiskPressure True in /status."""
    times = []
    with small_file_system() as directory, Agent(CROSSING, ["--root-dir", str(directory)]) as agent:
        def pressure():
            status = json.loads(agent.get("/status").body)["status"]
            return next(c["status"] for c in status["conditions"] if c["type"] == "DiskPressure")

        poll(lambda: pressure() == "False", 5, "no DiskPressure before the threshold is crossed", 0.01)
        for number in range(tries):
            say(f"threshold crossing {number + 1} of {tries}")
            time.sleep(random.uniform(0, 1))
            ballast = directory / "ballast"
            descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY)
            os.posix_fallocate(descriptor, 0, 40 * 1024 * 1024)
            os.close(descriptor)
            crossed = time.monotonic()
            poll(lambda: pressure() == "True", 10, "DiskPressure after the threshold was crossed", 0.005)
            times.append(time.monotonic() - crossed)
            ballast.unlink()
            poll(lambda: pressure() == "False", 30, "DiskPressure over again", 0.01)
    return times


# Checkpoints


def measure_checkpoints(quick):
    """What checkpoints.py saw, which needs a mount namespace of its own and another Python's modules."""
    sizes = ["--rounds", "8", "--large-rounds", "1", "--idle", "15"] if quick else []
    done = subprocess.run(
        [sys.executable, str(ROOT / "Benchmarks" / "checkpoints.py"), *sizes], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"checkpoints: see above\n{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def checkpoint_rows(table, seen):
    small, large = seen["small"], seen["large"]

    def spread(name, values, size="", budget="", met=None):
        table.row(
            name, seconds_text(statistics.median(values)), seconds_text(min(values)), seconds_text(max(values)),
            len(values), size, budget=budget, met=met)

    table.section(f"checkpoint, {seen['runtime']}", "median", "least", "most", "tries", "archive", "", "", "budget")
    size = megabytes(small["size"])
    spread("a small container, the bare CRI call", small["bare"], size)
    spread("the same through nodekeep, to the answer", small["total"], size)
    for phase in ["queued", "prepare", "dump", "verify", "publish"]:
        spread(f"  of that {phase}", small[phase])
    spread("  the container did not run", small["frozen"])
    # Of each call by itself: the runtime's own time differs more from call to call than what is added to it.
    added = [total - sum(parts) for total, *parts in zip(small["total"], *(small[p] for p in ["dump", "verify", "publish"]))]
    middle = statistics.median(added)
    spread("added: neither dump nor verify nor publish", added, budget="<= 25 ms median", met=middle <= 0.025)
    size = megabytes(large["size"])
    spread("a large container, the bare CRI call", large["bare"], size)
    spread("the same through nodekeep, to the answer", large["total"], size)
    for phase in ["dump", "verify", "publish"]:
        spread(f"  of that {phase}", large[phase])
    spread("  the container did not run", large["frozen"])
    spread("sha256sum of the archive", large["sha256sum"], size)

    def speed(values):
        return f"{large['size'] / statistics.median(values) / 1e9:.2f} GB/s"

    ours, theirs = statistics.median(large["verify"]), statistics.median(large["sha256sum"])
    table.section("reading an archive", "speed", "", "", "", "", "", "x sha256sum")
    table.row("nodekeep: whole, of the container, SHA-256", speed(large["verify"]), *[""] * 5, f"{theirs / ours:.3g}")
    table.row("sha256sum", speed(large["sha256sum"]), *[""] * 5, "1")

    table.section("most memory during the large checkpoint", "PSS", "anonymous")
    for name in ["agent", "web", "dump", "containerd"]:
        if name in large["memory"]:
            table.row(name, *map(megabytes, large["memory"][name]))


# The run


def machine():
    release = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return f"{len(os.sched_getaffinity(0))} cores, Linux {os.uname().release}, {release[1] if release else ''}"


def run(quick):
    table = Table()
    seconds, rounds, idle_seconds, starts = (2, 1, 15, 5) if quick else (4, 3, 60, 10)

    started = []
    for number in range(starts):
        say(f"start {number + 1} of {starts}")
        started.append(started_agent())
    crossings = measure_crossing(5)
    checkpoints = measure_checkpoints(quick)

    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(contextlib.closing(NodeExporter()))
        agent = stack.enter_context(Agent())
        time.sleep(3)
        idle = measure_idle(agent, exporter, idle_seconds)
        pids = [agent.agent_pid(), web_pid(agent), exporter.process.pid]
        memory_idle = [memory(pid) for pid in pids]
        threads_idle = [threads(pid) for pid in pids]
        others = measure_requests(table, agent, exporter, seconds, rounds)
        if web_pid(agent) != pids[1]:
            raise CannotMeasure("the web process died under load")
        memory_loaded = [memory(pid) for pid in pids]

    table.section("processes", "agent", "web", "together", "node_exporter", "", "", "x node_exporter", "budget")
    memory_rows(table, "idle", *memory_idle, {"PSS": 25, "anonymous": 8})
    memory_rows(table, "after the load", *memory_loaded, {})
    table.row(
        "threads", threads_idle[0], threads_idle[1], sum(threads_idle[:2]), threads_idle[2], "", "",
        ratio(sum(threads_idle[:2]), threads_idle[2]))
    ours = idle[0] + idle[1]
    table.row(
        f"CPU over {idle_seconds} s, nobody asking", *[f"{share * 100:.3f} %" for share in (idle[0], idle[1], ours, idle[2])],
        budget="<= 0.1 % of a core", met=ours <= 0.001)

    table.section("times", "median", "least", "most", "tries", "", "", "", "budget")

    def times(name, values, limit):
        judged = statistics.median(values) if limit < 1 else max(values)
        table.row(
            name, seconds_text(statistics.median(values)), seconds_text(min(values)), seconds_text(max(values)),
            len(values), budget=f"<= {seconds_text(limit)}" + (" median" if limit < 1 else " at most"),
            met=judged <= limit)

    times("start to first /readyz 200", [ready for ready, _ in started], 0.2)
    times("start to first snapshot, every source", [complete for _, complete in started], 0.2)
    times("threshold crossed to /status", crossings, 2.0)

    others_with_tls = access.run(table, quick, checkpoints["connected"])
    heartbeat.run(table, quick)
    checkpoint_rows(table, checkpoints)

    say("sizes")
    files = [NODEKEEP, BUILD / "nodekeep-web"]
    sizes = [file.stat().st_size for file in files]
    packed = [len(lzma.compress(file.read_bytes(), preset=6)) for file in files]
    peer = pathlib.Path(NODE_EXPORTER).stat().st_size
    table.section("sizes", "nodekeep", "nodekeep-web", "together", "node_exporter", "", "", "x node_exporter", "budget")
    table.row("executable", *map(megabytes, [*sizes, sum(sizes), peer]), "", "", ratio(sum(sizes), peer))
    table.row(
        "the same, xz (as in a package)", *map(megabytes, [*packed, sum(packed)]), budget="<= 15 MB",
        met=sum(packed) <= 15 * MB)

    print(f"\nnodekeep, {machine()}; while requests were measured, {others:.2f} cores were busy with other programs"
          f" ({others_with_tls:.2f} with TLS)\n")
    table.print()
    print(f"\n{table.missed} budget{'' if table.missed == 1 else 's'} missed" if table.missed else "\nall budgets met")


def main():
    parser = argparse.ArgumentParser(description="Measures the built agent beside node_exporter.")
    parser.add_argument("--quick", action="store_true", help="shorter and rougher")
    options = parser.parse_args()
    # So that whatever runs is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not NODEKEEP.exists():
            raise CannotMeasure(f"{NODEKEEP} is not there: make build")
        run(options.quick)
    except (CannotMeasure, AssertionError, OSError) as error:
        print(f"bench: could not measure: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
