# SPDX-License-Identifier: Apache-2.0
"""What a heartbeat costs an API server, beside a kubelet's; bench.py prints it. By itself: heartbeat.py [--quick]

The kubelet's figures are those of the requests that a kubelet 1.36 was recorded with (Tests/KubeTestServer/Wire), at
its own cadence: a lease every 10 s, a status every 5 minutes, and at each change. Both are counted as JSON and without
managedFields, whatever encoding is agreed on. A kubelet also holds a watch on its Node, over which each of those
statuses comes back to it; that is not counted.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Tests" / "System")]
sys.dont_write_bytecode = True

from kubeapi import KubeAPI  # noqa: E402
from measuring import CannotMeasure, cpu_time, poll, say  # noqa: E402
from support import Agent  # noqa: E402
from table import Table, grouped, ratio  # noqa: E402

WIRE = ROOT / "Tests" / "KubeTestServer" / "Wire"
NODE = "node-a"
HOUR = 3600
# A kubelet renews after 10 s and up to 4 % more.
LEASES, STATUSES = HOUR / 10.2, HOUR / 300


def recorded(name):
    """Bytes of the bodies of a recorded request and its answer."""
    exchange = json.loads((WIRE / name).read_text())
    request, response = (
        json.dumps(exchange[part]["body"], separators=(",", ":"), ensure_ascii=False).encode()
        for part in ("request", "response"))
    # A server ends its answers with a newline, which the record leaves out.
    return len(request) + len(response) + 1


class Window:
    """What the server was asked from its start on."""

    def __init__(self, server):
        self.server, self.first, self.started = server, len(server.requests), time.monotonic()

    def end(self):
        self.seconds = time.monotonic() - self.started
        self.records = [record for record in self.server.requests[self.first:] if record.code is not None]
        return self

    def only(self, *plurals):
        return [record for record in self.records if record.target.plural in plurals]


def size(records):
    return sum(len(record.data) + len(record.answer) for record in records)


def interval(records):
    """Seconds from one to the next on average: a count would be one off at either end of a window."""
    if len(records) < 3:
        raise CannotMeasure(f"{len(records)} leases are too few")
    return (records[-1].time - records[0].time) / (len(records) - 1)


def is_periodic(record):
    """A status that says only that nothing has changed."""
    if (record.target.verb, record.target.plural, record.code) != ("patch", "nodes", 200):
        return False
    status = record.body.get("status", {})
    return set(record.body) == {"status"} and set(status) == {"conditions"} and all(
        set(condition) == {"type", "lastHeartbeatTime"} for condition in status["conditions"])


def measure(table, directory, server, quick):
    disk = directory / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "nodekeep-bench", disk], check=True)
    agent = None
    try:
        kubeconfig = server.kubeconfig(directory / "kubeconfig", *server.node_certificate(NODE))
        agent = Agent(
            f"hostnameOverride: {NODE}\ncluster: {{role: node}}\nkubeconfig: {kubeconfig}\nrootDir: {disk}\n"
            "evictionHard: {nodefs.available: 50%}\nevictionPressureTransitionPeriod: 1s\n")
        poll(lambda: server.get("nodes", NODE) and server.get("leases", NODE, "kube-node-lease"), 30, "Node and lease")
        # What start-up still brings.
        time.sleep(20)

        rest = 60 if quick else 180
        say(f"the heartbeat at rest for {rest} s")
        window = Window(server)
        cpu = cpu_time(agent.agent_pid())
        time.sleep(rest)
        cpu = cpu_time(agent.agent_pid()) - cpu
        window.end()

        def condition():
            conditions = server.get("nodes", NODE)["status"]["conditions"]
            return next(found["status"] for found in conditions if found["type"] == "DiskPressure")

        changes = 4 if quick else 6
        say(f"the heartbeat with {changes} changes")
        busy = Window(server)
        for number in range(changes):
            if number % 2:
                (disk / "fill").unlink()
            else:
                (disk / "fill").write_bytes(bytes(48 << 20))
            wanted = "False" if number % 2 else "True"
            poll(lambda: condition() == wanted, 30, "the condition at the API server", 0.05)
            time.sleep(12)
        busy.end()

        # One comes every 5 minutes (after a change, every 2.5 to 7.5): more often, they are all of the same size.
        say("statuses at rest")
        agent.process.terminate()
        agent.process.wait(10)
        agent.config.write_text(agent.config.read_text() + "nodeStatusReportFrequency: 5s\n")
        often = Window(server)
        agent.start()
        poll(lambda: len([record for record in often.end().records if is_periodic(record)]) >= 3, 60, "statuses", 0.1)
    finally:
        if agent:
            agent.close()
        subprocess.run(["umount", "-l", disk], check=False)
    refused = server.refused(400, 403, 415, 422)
    if refused:
        raise CannotMeasure(f"the API server has refused something: {refused[0]}")

    lease, status = window.only("leases"), window.only("nodes")
    others = [record for record in window.records if record.target.plural not in ("leases", "nodes")]
    periodic = [record for record in often.records if is_periodic(record)]
    lease_size, status_size = size(lease) / len(lease), size(periodic) / len(periodic)
    leases, strange = HOUR / interval(lease), HOUR / window.seconds
    ours = leases + STATUSES + len(others) * strange
    our_bytes = leases * lease_size + STATUSES * status_size + size(others) * strange
    kubelet_lease, kubelet_status = recorded("lease-update.json"), recorded("node-status-patch-change.json")
    theirs, their_bytes = LEASES + STATUSES, LEASES * kubelet_lease + STATUSES * kubelet_status
    table.section("heartbeat in role node", "nodekeep", "kubelet", "", "", "", "", "x kubelet", "budget")
    table.row("requests an hour at rest", grouped(ours), grouped(theirs), "", "", "", "", ratio(ours, theirs))
    table.row("bytes of bodies an hour at rest", grouped(our_bytes), grouped(their_bytes), "", "", "", "",
              ratio(our_bytes, their_bytes))
    table.row("bytes of a lease renewed", grouped(lease_size), grouped(kubelet_lease), "", "", "", "",
              ratio(lease_size, kubelet_lease))
    table.row("bytes of a status at rest", grouped(status_size), grouped(kubelet_status), "", "", "", "",
              ratio(status_size, kubelet_status))
    table.row(f"seen at rest in {rest} s: leases, statuses, others", f"{len(lease)}, {len(status)}, {len(others)}")
    table.row("CPU of the agent meanwhile", f"{cpu / window.seconds * 100:.3f} %")
    patches = [record for record in busy.only("nodes") if record.target.verb == "patch"]
    events = busy.only("events")
    kubelet_change = kubelet_status + recorded("event-create-1.json")
    per_change = (size(patches) + size(events)) / changes
    table.row(f"requests for a change (of {changes}): status, event",
              f"{len(patches) / changes:.1f}, {len(events) / changes:.1f}", "1, 1")
    table.row("bytes of bodies for a change", grouped(per_change), grouped(kubelet_change), "", "", "", "",
              ratio(per_change, kubelet_change))


def run(table, quick):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-bench-"))
    server = KubeAPI(directory / "server")
    try:
        measure(table, directory, server, quick)
    finally:
        server.close()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Measures what the heartbeat costs an API server.")
    parser.add_argument("--quick", action="store_true", help="shorter and rougher")
    options = parser.parse_args()
    table = Table()
    try:
        run(table, options.quick)
    except (CannotMeasure, AssertionError, OSError) as error:
        print(f"bench: could not measure: {error}", file=sys.stderr)
        return 1
    table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
