# SPDX-License-Identifier: Apache-2.0
"""Debian's node_exporter, and load on it and on the agent."""

import os
import re
import ssl
import statistics
import subprocess
import time
import typing
import urllib.request

from measuring import CannotMeasure, MachineTime, cpu_time, say
from support import free_port, wait_for
from table import grouped, seconds_text

NODE_EXPORTER = "/usr/bin/prometheus-node-exporter"


class NodeExporter:
    """`web_config` is the file for TLS and basic authentication; `probe` what a request needs then."""

    def __init__(self, web_config=None, probe=None):
        if not os.access(NODE_EXPORTER, os.X_OK):
            raise CannotMeasure(f"{NODE_EXPORTER} is not there (apt-get install prometheus-node-exporter)")
        self.port = free_port()
        self.url = f"{'https' if web_config else 'http'}://127.0.0.1:{self.port}"
        self.probe = probe or {}
        words = [f"--web.config.file={web_config}"] if web_config else []
        self.process = subprocess.Popen(
            [NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{self.port}", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self.answers, 10, "node_exporter's answer")
        except BaseException:
            self.close()
            raise

    @property
    def pids(self):
        return [self.process.pid]

    def answers(self):
        if self.process.poll() is not None:
            raise CannotMeasure(f"node_exporter ended with {self.process.returncode}")
        try:
            return fetch(f"{self.url}/metrics", self.probe)
        except OSError:
            return None

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def fetch(url, headers=None):
    """Bytes of the body as it came over the wire."""
    # No proxy, whatever the environment says.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified()))
    with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=10) as response:
        return len(response.read())


def unverified():
    """wrk looks at no certificate either."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def duration(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def load(url, connections, seconds, headers):
    """One run of wrk: requests a second and the latencies' average, median and 99th percentile."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    try:
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 30)
    except FileNotFoundError:
        raise CannotMeasure("wrk is not there (apt-get install wrk)") from None
    output = done.stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    latency = re.search(r"Latency\s+([\d.]+\w+)", output)
    median = re.search(r"50%\s+([\d.]+\w+)", output)
    worst = re.search(r"99%\s+([\d.]+\w+)", output)
    if done.returncode != 0 or not (rate and latency and median and worst) or float(rate[1]) == 0:
        raise CannotMeasure(f"wrk on {url}: {output} {done.stderr}")
    # A time-out of wrk's own at the end is no error of the server's; a refused or broken connection is.
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", output)
    if "Non-2xx" in output or (errors and any(int(count) for count in errors.groups())):
        raise CannotMeasure(f"wrk on {url}: not every answer was good:\n{output}")
    return float(rate[1]), duration(latency[1]), duration(median[1]), duration(worst[1])


class Subject(typing.NamedTuple):
    """What a row of requests is about. `pids` are the processes whose time the requests cost."""

    name: str
    url: str
    pids: list
    headers: dict = {}
    connections: int = 32


def measure_load(table, title, subjects, seconds, rounds, limit=None):
    """Rows of requests a second, the first of node_exporter's as the base of the ratios. `limit`: the body size up to
    which there is a budget for our rows. Gives how many cores others used."""
    sizes = {each.name: fetch(each.url, each.headers) for each in subjects}
    results = {each.name: [] for each in subjects}
    everything = MachineTime({pid for each in subjects for pid in each.pids})
    for _ in range(rounds):
        for each in subjects:
            say(f"requests: {each.name}")
            used = sum(map(cpu_time, each.pids))
            began = time.monotonic()
            run = load(each.url, each.connections, seconds, each.headers)
            used = sum(map(cpu_time, each.pids)) - used
            results[each.name].append((*run, used / (run[0] * (time.monotonic() - began))))
    others = everything.others()
    middle = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in results.items()}
    base = next(middle[each.name][0] for each in subjects if each.name.startswith("node_exporter"))
    table.section(title, "body bytes", "requests/s", "average", "median", "99 %", "CPU/request", "x node_exporter",
                  "budget")
    for each in subjects:
        rate, average, median, worst, processor = middle[each.name]
        small = limit is not None and sizes[each.name] <= limit and not each.name.startswith("node_exporter")
        table.row(
            each.name, grouped(sizes[each.name]), grouped(rate), seconds_text(average), seconds_text(median),
            seconds_text(worst), seconds_text(processor), f"{rate / base:.3g}", budget=">= 100 000/s" if small else "",
            met=rate >= 100_000 if small else None)
    return others
