# SPDX-License-Identifier: Apache-2.0
"""Many dumps of a second or more each, with SIGKILL at random moments to the agent, its web process and the dumps.

E2E_STORM is how many dumps are asked for, E2E_SEED what the moments are drawn from.
"""

import json
import os
import random
import threading
import time

import bed as beds
from archives import Archive
from node import JOB, NodeTest
from support import wait_for
from workloads import filling

DUMPS = int(os.environ.get("E2E_STORM", "100"))
SEED = int(os.environ.get("E2E_SEED", "0")) or random.randrange(1, 1 << 31)
CALLERS, CONTAINERS = 5, 4
LIMIT = 900


class Storm:
    def __init__(self, node, containers):
        self.node, self.containers = node, containers
        self.random = random.Random(SEED)
        self.lock = threading.Lock()
        self.asked = 0
        self.over = threading.Event()
        self.began = time.monotonic()
        self.kills = {"agent": 0, "web": 0, "dump": 0}
        self.answers = {}
        self.accepted = set()  # ids of jobs, from answers and from the disk
        self.verified = {}
        self.promised = set()
        self.problems = []

    def next_number(self):
        with self.lock:
            if self.asked == DUMPS or time.monotonic() - self.began > LIMIT:
                return None
            self.asked += 1
            return self.asked

    def call(self):
        """One caller: asks until there is nothing left to ask for. Who is cut off, or refused for now, asks again."""
        while (number := self.next_number()) is not None:
            container = self.containers[number % len(self.containers)]
            answer = None
            # 507 lasts until the runtime has collected its garbage: on a busy machine what it has copied piles up.
            while answer is None or answer.status in (503, 507):
                try:
                    answer = self.node.post(container.path, f"request=storm-{number}&timeout=60")
                    self.count(answer.status)
                except OSError as error:
                    is_down = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
                    self.count("refused" if is_down else "cut off")
                    answer = None
                if time.monotonic() - self.began > LIMIT + 60:
                    return
                if answer is None or answer.status in (503, 507):
                    time.sleep(0.3)
            if answer.job:
                self.accepted.add(answer.job)
            if answer.status == 200:
                self.promise(answer)
            elif answer.status not in (409, 500, 504):
                self.problems.append(f"storm-{number}: {answer}")

    def count(self, what):
        with self.lock:
            self.answers[what] = self.answers.get(what, 0) + 1

    def promise(self, answer):
        """An archive that a caller was told of has a record, and is there or was looked through already."""
        try:
            record = self.node.record(answer.job, seconds=0)
            assert (record["outcome"], record["archive"]) == ("published", answer.path.name), record
            assert answer.path.exists() or answer.path.name in self.verified, answer.path
            with self.lock:
                self.promised.add(answer.path.name)
        except Exception as error:  # told at the end, with all the others
            self.problems.append(f"{answer}: {error!r}")

    def look_through(self):
        """Every archive as soon as it has its name, promised to anybody or not; then it makes room for the next."""
        kept = set()
        while True:
            is_last = self.over.is_set()
            for path in [path for path in self.node.archives() if path.name not in kept]:
                try:
                    self.verify(path)
                except Exception as error:
                    self.problems.append(f"{path.name}: {error!r}")
                    kept.add(path.name)
                    continue
                if len(self.verified) % 20 == 1:
                    kept.add(path.name)
                else:
                    path.unlink()
            if is_last:
                return
            self.over.wait(0.2)

    def verify(self, path):
        archive = Archive(path)
        # The record takes its place right after the archive.
        (record,) = wait_for(lambda: [
            record for record in self.node.records().values() if record.get("archive") == path.name], 60, "a record")
        assert record["outcome"] == "published", record
        assert (record["sha256"], record["size"]) == (archive.sha256, archive.size), record
        assert archive.container_id() == record["request"]["container"]["containerID"], path
        self.verified[path.name] = True

    def watch(self):
        """Every job that was ever on disk is one that was accepted."""
        while not self.over.is_set():
            try:
                for path in self.node.private.iterdir():
                    # Its directory can be there before it is accepted; its request is what counts.
                    if JOB.fullmatch(path.name) and (path / "request.json").exists():
                        self.accepted.add(path.name)
            except OSError:
                pass
            time.sleep(0.005)

    def kill(self):
        while not self.over.wait(self.random.uniform(0.5, 5)):
            victim = self.random.choices(["agent", "web", "dump"], [2, 1, 4])[0]
            try:
                if victim == "agent":
                    self.node.kill()
                    self.node.restart()
                else:
                    pids = sorted(self.node.dumps().values()) if victim == "dump" else [self.node.web_pid()]
                    if not pids or pids[0] is None:
                        continue
                    os.kill(self.random.choice(pids), 9)
                self.kills[victim] += 1
            except (ProcessLookupError, FileNotFoundError):
                pass
            except Exception as error:
                self.problems.append(f"killing the {victim}: {error!r}")
                return

    def run(self):
        callers = [threading.Thread(target=self.call, daemon=True) for _ in range(CALLERS)]
        others = [threading.Thread(target=work, daemon=True) for work in [self.watch, self.kill, self.look_through]]
        for thread in [*callers, *others]:
            thread.start()
        for thread in callers:
            thread.join(LIMIT + 100)
        # The watcher sees the last jobs end; nobody is killed any more.
        self.over.set()
        for thread in others:
            thread.join(120)
        assert not any(thread.is_alive() for thread in [*callers, *others]), "a caller never came back"


class StormTest(NodeTest):
    LIMIT = 1300  # seconds, of which it takes a quarter where nothing else goes on

    def test_storm(self):
        pods = [self.pod() for _ in range(CONTAINERS)]
        size = self.size_for_a_second(pods[0])
        containers = [pod.container(command=filling(size)) for pod in pods]
        node = self.node()
        storm = Storm(node, containers)
        storm.run()
        node.recover()
        node.wait_until_idle(90)
        for container in containers:
            wait_for(lambda: container.task_status() == "RUNNING", 30, f"{container.path} running")
            container.counts_on()
        print(f"seed {SEED}: {storm.asked} dumps of {size} MiB asked for in {time.monotonic() - storm.began:.0f} s, "
              f"answers {storm.answers}, killed {storm.kills}, {len(storm.accepted)} accepted, "
              f"{len(storm.promised)} archives promised, {len(storm.verified)} looked through … ", end="", flush=True)
        self.assertEqual(storm.problems, [])
        self.assertEqual(storm.promised - set(storm.verified), set(), "promised and not there")
        records = node.records()
        self.assertEqual(storm.accepted - set(records), set(), "accepted and without a record")
        left = node.check(verified=storm.verified)
        for name in sorted(left)[:3]:
            self.assertIn("count", self.bed.command("checkpointctl", "show", node.checkpoints / name).stdout)
        self.assertEqual(storm.asked, DUMPS, "not all could be asked for in time")
        # It was a storm: the harm was done, and most of it was survived.
        self.assertGreater(min(storm.kills.values()), 0, storm.kills)
        self.assertGreater(len(storm.promised), DUMPS / 4)
        # A call of its own works afterwards.
        self.assertStatus(node.post(containers[0].path), 200)
        self.assertEqual(node.status()["checkpoints"]["frozen"], [])
        outcomes = {}
        for record in node.records().values():
            outcomes[record["outcome"]] = outcomes.get(record["outcome"], 0) + 1
        print(json.dumps(outcomes), end=" … ")

    def size_for_a_second(self, pod):
        """MiB that take the runtime alone 1.2 s to dump on this machine."""
        container = pod.container("measure", filling(200))
        location = self.bed.home / "measure.tar"
        seconds = min(beds.seconds_of(lambda: container.checkpoint(location)) for _ in range(2))
        location.unlink()
        container.stop()
        container.remove()
        return max(100, min(1000, int(200 * 1.2 / seconds)))
