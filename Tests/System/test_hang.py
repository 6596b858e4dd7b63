# SPDX-License-Identifier: Apache-2.0
"""File systems, sockets and calls that never answer: each costs its own reading and nothing else."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import PRIVATE_MOUNTS, AgentTest, FileSystemServer, thread_files, wait_for, within_mounts_of

PAGES = ["/", "/status", "/node", "/metrics", "/metrics/resource", "/healthz", "/livez", "/readyz"]


def thread_names(pid):
    return sorted(name.strip() for name in thread_files(pid, "comm").values())


def stuck_threads(pid):
    """Threads that wait for a FUSE server, if the kernel tells where its threads wait."""
    return sum(place in ("request_wait_answer", "fuse_get_req") for place in thread_files(pid, "wchan").values())


class Pulse:
    """Asks for pages again and again, and remembers the slowest answer and when the readings were taken."""

    def __init__(self, agent):
        self.agent = agent
        self.slowest = ("", 0.0)
        self.readings = []
        self.threads = set()
        self.wrong = []
        self.pid = agent.agent_pid()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.done.is_set():
            for path in PAGES:
                begin = time.monotonic()
                try:
                    response = self.agent.get(path, timeout=5)
                except OSError as error:
                    self.wrong.append(f"{path}: {error}")
                    continue
                took = time.monotonic() - begin
                if took > self.slowest[1]:
                    self.slowest = (path, took)
                if response.status != 200:
                    self.wrong.append(f"{path}: {response.status} {response.body[:200]}")
            last = self.agent.metrics()['nodekeep_source_last_success_timestamp_seconds{source="meminfo"}']
            if not self.readings or self.readings[-1] != last:
                self.readings.append(last)
            self.threads.add(len(os.listdir(f"/proc/{self.pid}/task")))
            time.sleep(0.05)

    def stop(self):
        self.done.set()
        self.thread.join()

    def gaps(self):
        return [after - before for before, after in zip(self.readings, self.readings[1:])]


class HangTest(AgentTest):
    def directory(self):
        directory = tempfile.TemporaryDirectory(prefix="nodekeep-hang-")
        self.addCleanup(directory.cleanup)
        return pathlib.Path(directory.name)

    def servers(self, count):
        servers = [FileSystemServer() for _ in range(count)]
        for server in servers:
            self.addCleanup(server.close)
        return servers

    def agent_with_mounts(self, servers, points, config="", arguments=()):
        """An agent whose mount namespace has each server at its point."""
        prefix = [*PRIVATE_MOUNTS]
        for index, (server, point) in enumerate(zip(servers, points)):
            point.mkdir(exist_ok=True)
            command = server.mount_command(point, f"server{index}")
            prefix += command if index == 0 else command[2:]
        agent = self.agent(
            config, arguments, prefix=[*prefix, "--"], pass_fds=[server.descriptor for server in servers], wait=False)
        # Before the agent is ended: a call that nothing can kill would keep it from ending.
        for server in servers:
            self.addCleanup(server.close)
        agent.wait_until_ready()
        return agent

    def mount_later(self, agent, server, point, source="later"):
        subprocess.run(
            [*within_mounts_of(agent.agent_pid()), *server.mount_command(point, source, "fuse")], check=True,
            pass_fds=[server.descriptor])

    def wait_for_source(self, agent, name, state, seconds=5):
        return wait_for(
            lambda: next(
                (entry for entry in agent.json("/status")["collectors"]
                 if entry["name"] == name and entry["state"] == state), None),
            seconds, f"source {name} {state}")

    def wait_for_condition(self, agent, kind, status, seconds=5):
        def found():
            condition = agent.condition(kind)
            return condition if condition["status"] == status else None
        return wait_for(found, seconds, f"{kind} {status}")

    def check_pulse(self, pulse, seconds):
        """No page waited for what hangs, which takes 2 s at least, and no reading was left out."""
        pulse.stop()
        self.assertEqual(pulse.wrong, [])
        gaps = pulse.gaps()
        print(
            f"  slowest answer {pulse.slowest[1] * 1000:.1f} ms ({pulse.slowest[0]}), readings "
            f"{min(gaps):.3f} to {max(gaps):.3f} s apart, threads {sorted(pulse.threads)}", flush=True)
        self.assertLess(pulse.slowest[1], 1.0, pulse.slowest)
        self.assertGreaterEqual(len(pulse.readings), int(seconds))
        self.assertLess(max(gaps), 1.9)

    def end(self, agent):
        """SIGTERM ends the agent in time, whatever hangs."""
        pid = agent.agent_pid()
        begin = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(agent.process.wait(10), 0)
        took = time.monotonic() - begin
        print(f"  ended {took:.2f} s after SIGTERM", flush=True)
        self.assertLess(took, 2)

    def test_the_mounts_used_here_really_hang(self):
        server, = self.servers(1)
        point = self.directory()
        holder = subprocess.Popen(
            [*PRIVATE_MOUNTS, *server.mount_command(point), "--", "sleep", "60"], pass_fds=[server.descriptor])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)  # before the other one
        wait_for(lambda: pathlib.Path(f"/proc/{holder.pid}/comm").read_text() == "sleep\n", 5, "the mount")

        def call():
            return subprocess.Popen(
                [*within_mounts_of(holder.pid), "stat", "-f", str(point)], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        stuck = call()
        with self.assertRaises(subprocess.TimeoutExpired):
            stuck.wait(3)
        server.start()
        self.assertEqual(stuck.wait(3), 0)
        server.hang()
        stuck = call()
        with self.assertRaises(subprocess.TimeoutExpired):
            stuck.wait(1)
        server.close()
        self.assertEqual(stuck.wait(3), 1)

    def test_more_hung_mounts_than_cores(self):
        count = max(5, (os.cpu_count() or 1) + 3)
        base = self.directory()
        servers = self.servers(count)
        points = [base / f"mount{index}" for index in range(count)]
        started = time.monotonic()
        agent = self.agent_with_mounts(
            servers, points, "evictionHard: {memory.available: 1Mi, pid.available: 1, nodefs.available: 1Mi}\n",
            ["--root-dir", str(points[0])])
        print(f"  ready after {time.monotonic() - started:.2f} s beside {count} hung mounts", flush=True)
        self.wait_for_condition(agent, "MemoryPressure", "False")
        self.wait_for_condition(agent, "PIDPressure", "False")
        source = self.wait_for_source(agent, "nodefs", "hung")
        self.assertEqual(source["error"], f"statfs {points[0]} has not returned for 2 s")
        for point in points:
            source = self.wait_for_source(agent, f"statfs:{point}", "hung", 15)
            self.assertEqual(source["error"], f"statfs {point} has not returned for 2 s")
        condition = self.wait_for_condition(agent, "DiskPressure", "Unknown")
        self.assertEqual(condition["reason"], "NodekeepSignalMissing")
        self.assertEqual(
            condition["message"],
            f"no reading of nodefs.available: statfs {points[0]} has not returned for 2 s")
        metrics = agent.metrics()
        self.assertEqual(metrics['nodekeep_source_hung{source="nodefs"}'], 1)
        self.assertEqual(metrics['nodekeep_source_up{source="meminfo"}'], 1)

        before = thread_names(agent.agent_pid())
        pulse = Pulse(agent)
        time.sleep(11)
        self.check_pulse(pulse, 11)
        # Other mounts are still measured now and then, up to eight at once, each in a thread of its own that comes and
        # goes: none stays.
        self.assertLessEqual(max(pulse.threads), len(before) + 3 + 8)
        wait_for(lambda: len(thread_names(agent.agent_pid())) <= len(before), 15, f"no more threads than {before}")
        # One for each mount, and two more that stand before the first: for nodefs, and for the checkpoints in it.
        self.assertLessEqual(stuck_threads(agent.agent_pid()), count + 2)
        self.assertEqual(
            agent.json("/status")["checkpoints"]["problem"],
            f"{points[0]}/checkpoints or the disk under it has not answered for 10s")
        answer = agent.get("/checkpoint/a/b/c", method="POST", unix=True)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "10"), answer.body)
        self.assertEqual(agent.condition("DiskPressure")["lastTransitionTime"], condition["lastTransitionTime"])

        # The real conditions still move while these hang.
        total = agent.signal_status("memory.available")["capacity"]
        agent.config.write_text(
            f"evictionHard: {{memory.available: {total}, pid.available: 1, nodefs.available: 1Mi}}\n")
        begin = time.monotonic()
        agent.signal(signal.SIGHUP)
        self.wait_for_condition(agent, "MemoryPressure", "True", 2.8)
        print(f"  MemoryPressure True {time.monotonic() - begin:.2f} s after SIGHUP", flush=True)
        self.end(agent)

    def test_hung_mounts_come_back(self):
        base = self.directory()
        servers = self.servers(5)
        points = [base / f"mount{index}" for index in range(5)]
        agent = self.agent_with_mounts(
            servers, points, "evictionHard: {nodefs.available: 1Mi}\n", ["--root-dir", str(points[0])])
        self.wait_for_source(agent, "nodefs", "hung")
        for point in points:
            self.wait_for_source(agent, f"statfs:{point}", "hung", 15)
        pid = agent.agent_pid()
        stuck = len(thread_names(pid))
        # Answered at last: the reading is there at the next second.
        begin = time.monotonic()
        servers[0].start()
        self.wait_for_condition(agent, "DiskPressure", "False", 8)
        print(f"  DiskPressure False {time.monotonic() - begin:.2f} s after the file system answered", flush=True)
        self.assertEqual(agent.collector("nodefs")["state"], "ok")
        self.assertEqual(agent.signal_status("nodefs.available")["capacity"], 25_600 * 4_096)
        # Broken for good: an error instead of a hang.
        for server in servers[1:3]:
            server.close()
        for point in points[1:3]:
            source = self.wait_for_source(agent, f"statfs:{point}", "failed", 8)
            self.assertEqual(source["error"], f"statfs {point}: Transport endpoint is not connected")
        # Unmounted lazily while they hang: gone from the list, the calls still stuck, until the servers give up.
        for point in points[3:]:
            subprocess.run([*within_mounts_of(pid), "umount", "-l", str(point)], check=True)
        wait_for(
            lambda: not {f"statfs:{point}" for point in points[3:]}
            & {entry["name"] for entry in agent.json("/status")["collectors"]}, 3, "the unmounted ones gone")
        for server in servers[3:]:
            server.close()
        wait_for(lambda: len(thread_names(pid)) <= stuck - 4, 15, "no thread left stuck")
        wait_for(lambda: stuck_threads(pid) == 0, 5, "no thread that waits for a server")
        self.end(agent)

    def test_a_hang_that_begins_while_all_is_well(self):
        base = self.directory()
        root = base / "root"
        server, later = self.servers(2)
        server.start()
        agent = self.agent_with_mounts(
            [server], [root], "evictionHard: {nodefs.available: 1Mi}\n", ["--root-dir", str(root)])
        before = self.wait_for_condition(agent, "DiskPressure", "False")
        pid = agent.agent_pid()
        threads = len(thread_names(pid))
        pulse = Pulse(agent)
        time.sleep(1.5)
        # The file system of the node stops answering, and another that never answers appears.
        server.hang()
        begin = time.monotonic()
        point = base / "later"
        point.mkdir()
        self.mount_later(agent, later, point)
        source = self.wait_for_source(agent, "nodefs", "hung", 5)
        condition = self.wait_for_condition(agent, "DiskPressure", "Unknown", 5)
        print(f"  DiskPressure Unknown {time.monotonic() - begin:.2f} s after the hang began", flush=True)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(condition["message"], f"no reading of nodefs.available: {source['error']}")
        self.assertIsNotNone(source["lastSuccess"])
        # The disk is still there: its size stays, and nobody evicts the node's pods over a reading.
        self.assertEqual(agent.json("/node")["status"]["capacity"]["ephemeral-storage"], "100Mi")
        self.assertEqual(agent.condition("Ready")["status"], "True")
        self.assertEqual(agent.json("/status")["taints"], [])
        self.wait_for_source(agent, f"statfs:{point}", "hung", 15)
        time.sleep(5)
        self.check_pulse(pulse, 8)
        # nodefs, its mount, and the one that came later.
        wait_for(lambda: len(thread_names(pid)) <= threads + 3, 15, "no more threads")
        server.resume()
        again = self.wait_for_condition(agent, "DiskPressure", "False", 8)
        self.assertGreaterEqual(again["lastTransitionTime"], before["lastTransitionTime"])
        self.assertEqual(agent.condition("MemoryPressure")["status"], "False")
        self.end(agent)

    def test_a_hang_that_nothing_can_kill_is_survived_too(self):
        """The server reads the request and keeps it: the thread cannot be killed, as with some network file systems."""
        base = self.directory()
        server, = self.servers(1)
        server.swallow()
        root = base / "root"
        agent = self.agent_with_mounts(
            [server], [root], "evictionHard: {nodefs.available: 1Mi}\n", ["--root-dir", str(root)])
        self.wait_for_source(agent, "nodefs", "hung")
        pulse = Pulse(agent)
        time.sleep(3)
        self.check_pulse(pulse, 3)
        server.resume()
        self.wait_for_source(agent, "nodefs", "ok", 5)
        self.end(agent)

    # Sockets

    def test_a_runtime_that_never_answers(self):
        directory = self.directory()
        silent, full = directory / "silent.sock", directory / "full.sock"
        with socket.socket(socket.AF_UNIX) as accepts, socket.socket(socket.AF_UNIX) as never:
            accepts.bind(str(silent))
            accepts.listen(16)
            never.bind(str(full))
            never.listen(0)
            waiting = []
            self.addCleanup(lambda: [client.close() for client in waiting])
            # Connections that nobody accepts, until the next one would block.
            while True:
                client = socket.socket(socket.AF_UNIX)
                client.setblocking(False)
                waiting.append(client)
                try:
                    client.connect(str(full))
                except BlockingIOError:
                    break
            for path in [silent, full]:
                with self.subTest(path.name):
                    agent = self.agent(
                        "evictionHard: {nodefs.available: 1Mi}\n",
                        ["--container-runtime-endpoint", f"unix://{path}"], wait=False)
                    wait_for(lambda: self.answers(agent), 5, "an answer")
                    for kind in ["MemoryPressure", "PIDPressure", "DiskPressure"]:
                        self.wait_for_condition(agent, kind, "False")
                    time.sleep(2.5)
                    threads = len(thread_names(agent.agent_pid()))
                    pulse = Pulse(agent)
                    time.sleep(5)
                    self.check_pulse(pulse, 5)
                    wait_for(lambda: len(thread_names(agent.agent_pid())) <= threads, 15, "no more threads")
                    runtime = agent.json("/status")["runtime"]
                    print(f"  runtime: {runtime}", flush=True)
                    self.assertFalse(runtime["answers"])
                    self.assertIn(str(path), runtime["problem"])
                    self.assertIsNone(runtime["checkpoint"]["supported"])
                    self.assertIn(agent.collector("runtime")["state"], ["failed", "hung"])
                    self.assertEqual(agent.condition("Ready")["message"],
                                     "[container runtime is down, network state unknown]")
                    self.end(agent)
                    agent.close()

    @staticmethod
    def answers(agent):
        try:
            return agent.get("/livez", timeout=1).status == 200
        except OSError:
            return False
