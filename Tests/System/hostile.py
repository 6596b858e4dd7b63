# SPDX-License-Identifier: Apache-2.0
"""An agent whose web processes are programs/hostile-web, and what can be seen of it from outside."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from pki import Authority
from support import BUILD, MONITORING_MAY_GET_METRICS, NODEKEEP, Agent, free_port, wait_for

PROGRAM = pathlib.Path(__file__).resolve().parent / "programs" / "hostile-web"
TOKEN = "bob-secret-93ab1"
# Seconds without a sign of life after which a service manager would end the agent.
WATCHDOG = 2


class Seen:
    """What one hostile process did and heard."""

    def __init__(self, events):
        self.events = events
        self.pid = events[0]["pid"]

    def all(self, kind):
        return [event for event in self.events if event["event"] == kind]

    def answers(self):
        return {event["id"]: (event["status"], event["body"]) for event in self.all("answer")}

    def last(self, kind):
        found = self.all(kind)
        assert found, f"no {kind} among {self.events}"
        return found[-1]


class Stage:
    """The agent, with the plan of who is to stand in for its web processes."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-hostile-"))
        self.round = 0
        self.agent = None
        # The agent's signs of life to the service manager: when each came.
        self.signs = []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.directory / "notify"))
        threading.Thread(target=self.hear, daemon=True).start()
        try:
            shutil.copy(NODEKEEP, self.directory)
            (self.directory / "nodekeep-web").symlink_to(PROGRAM)
            (self.directory / "real").mkdir()
            (self.directory / "real" / "nodekeep-web").symlink_to(BUILD / "nodekeep-web")
            self.authority = Authority(self.directory)
            self.tokens = self.directory / "tokens.csv"
            self.tokens.write_text(f'{TOKEN},bob,u2,"monitoring"\n')
            os.chmod(self.tokens, 0o600)
            policy = self.directory / "policy.yaml"
            policy.write_text(MONITORING_MAY_GET_METRICS)
            self.main_port = free_port()
            self.plan()
            self.agent = Agent(
                f"address: 127.0.0.1\nport: {self.main_port}\n"
                "authentication:\n"
                f"  x509: {{clientCAFile: {self.authority.certificate}}}\n  tokenAuthFile: {self.tokens}\n"
                f"authorization: {{policyFile: {policy}}}\n", build=self.directory,
                environment={"NOTIFY_SOCKET": str(self.directory / "notify"), "WATCHDOG_USEC": f"{WATCHDOG}000000"})
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.agent:
            self.agent.close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self.directory / "notify"))
        shutil.rmtree(self.directory)

    def hear(self):
        while message := self.notify.recv(4_096):
            if message == b"WATCHDOG=1":
                self.signs.append(time.monotonic())

    def plan(self, network=("real",), socket=("real",)):
        """From now on, and nothing has happened yet."""
        self.round += 1
        plan = {"round": self.round, "network": list(network), "socket": list(socket)}
        (self.directory / "plan.new").write_text(json.dumps(plan))
        (self.directory / "plan.new").rename(self.directory / "plan")

    def starts(self, slot="network"):
        path = self.directory / f"starts.{self.round}.{slot}"
        return path.stat().st_size if path.exists() else 0

    def seen(self, slot="network"):
        """What each of this round's processes saw, by its number."""
        path = self.directory / f"events.{self.round}.{slot}"
        events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        found = []
        for event in events:
            if event["event"] == "started":
                found.append([])
            found[-1].append(event)
        return [Seen(events) for events in found]

    def replace(self, slot="network"):
        """Ends the present web process, so that the plan's first one comes."""
        pid = self.agent.web_pids().get(slot)
        if pid:
            os.kill(pid, 9)
        elif slot == "network":
            raise AssertionError("no web process")

    def is_real(self, slot="network"):
        pid = self.agent.web_pids().get(slot)
        try:
            return pid is not None and pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name == "nodekeep-web"
        except OSError:
            return False

    def wait_for_real(self, slot="network", seconds=15):
        """The true one serves again, on every listener that it has."""
        def serves():
            if not self.is_real(slot):
                return False
            try:
                if slot == "socket":
                    return self.agent.get("/readyz", unix=True, timeout=2).status == 200
                return self.agent.get("/readyz", timeout=2).status == 200 and self.curl("/metrics") == "200"
            except OSError:
                return False
        wait_for(serves, seconds, f"the true web process serves again\n{self.agent.output()[-3000:]}")

    def curl(self, path, token=TOKEN):
        """The status of a page of the main listener."""
        return subprocess.run(
            ["curl", "--silent", "--insecure", "--max-time", "3", "--output", "/dev/null", "--write-out", "%{http_code}",
             "--header", f"Authorization: Bearer {token}", f"https://127.0.0.1:{self.main_port}{path}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout

    def usage(self):
        """(anonymous KiB, descriptors, threads, processor seconds) of the agent."""
        pid = self.agent.agent_pid()
        status = dict(
            line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(status["RssAnon"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]),
                (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))


class Knocking:
    """Somebody at the local socket, and when he has been sent away, again."""

    def __init__(self, stage):
        self.path = str(stage.agent.socket)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def run(self):
        while not self.done.is_set():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(0.1)
                try:
                    client.connect(self.path)
                    while not self.done.is_set():
                        try:
                            if not client.recv(4_096):
                                break
                        except TimeoutError:
                            pass
                except OSError:
                    self.done.wait(0.05)


class Watch:
    """While it runs: what the agent takes, how fast the local socket's own web process answers, how readings go on."""

    def __init__(self, stage):
        self.stage = stage
        self.highest = [0, 0, 0]
        self.slowest = 0.0
        self.readings = []
        self.wrong = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.processor = self.stage.usage()[3]
        self.begin = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.processor = self.stage.usage()[3] - self.processor
        self.took = time.monotonic() - self.begin
        signs = [self.begin, *(sign for sign in self.stage.signs if sign > self.begin), self.begin + self.took]
        self.silence = max(after - before for before, after in zip(signs, signs[1:]))
        gaps = self.gaps()
        print(f"  {self.took:.1f} s: at most {self.highest[0]} KiB, {self.highest[1]} descriptors, {self.highest[2]} "
              f"threads, {self.processor:.2f} s of the processor; slowest answer beside it "
              f"{self.slowest * 1000:.0f} ms, readings up to {max(gaps, default=0):.2f} s apart, signs of life up to "
              f"{self.silence:.2f} s", flush=True)

    def run(self):
        while not self.done.is_set():
            for index, value in enumerate(self.stage.usage()[:3]):
                self.highest[index] = max(self.highest[index], value)
            begin = time.monotonic()
            try:
                page = self.stage.agent.get("/metrics", unix=True).body.decode()
            except OSError as error:
                self.wrong.append(repr(error))
                continue
            self.slowest = max(self.slowest, time.monotonic() - begin)
            last = re.search(r'^nodekeep_source_last_success_timestamp_seconds{source="meminfo"} (\S+)$', page, re.M)
            if not last:
                self.wrong.append(page[:200])
            elif not self.readings or self.readings[-1][0] != last[1]:
                self.readings.append((last[1], time.monotonic()))
            self.done.wait(0.05)

    def gaps(self):
        return [after[1] - before[1] for before, after in zip(self.readings, self.readings[1:])]
