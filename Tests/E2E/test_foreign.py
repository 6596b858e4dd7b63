# SPDX-License-Identifier: Apache-2.0
"""Somebody else at the same container: another client that checkpoints it, and somebody who pauses it.

E2E_FOREIGN is for how many seconds.
"""

import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import grpc

from archives import Archive
from node import NodeTest
from support import wait_for
from workloads import filling

SECONDS = float(os.environ.get("E2E_FOREIGN", "60"))
CLIENT = pathlib.Path(__file__).resolve().parent / "criclient.py"


class ForeignTest(NodeTest):
    def ask_for(self, seconds, node, container, stop=None):
        """Checkpoints one after the other; every one that is promised is looked through. Gives the answers."""
        answers = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (stop and stop.is_set()):
            answer = node.post(container.path)
            answers.setdefault(answer.status, []).append(answer)
            self.assertStatus(answer, 200, 409, 500, 503)
            if answer.status == 200:
                archive = Archive(answer.path)
                record = node.record(answer.job)
                self.assertEqual((record["sha256"], record["archive"]), (archive.sha256, archive.path.name))
                self.assertEqual(archive.container_id(), container.id)
            else:
                time.sleep(0.05)
        return answers

    def test_a_foreign_client_checkpoints_the_same_container(self):
        node, container = self.node(), self.pod().container(command=filling(40))
        stop = threading.Event()
        foreign = {"ok": 0, "failed": 0}
        location = self.bed.home / "foreign.tar"
        chance = random.Random(7)

        def interfere():
            while not stop.wait(chance.uniform(0, 1.5)):
                done = subprocess.run(
                    [sys.executable, CLIENT, "checkpoint", self.bed.socket, container.id, location],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
                foreign["ok" if done.returncode == 0 else "failed"] += 1
                location.unlink(missing_ok=True)

        thread = threading.Thread(target=interfere, daemon=True)
        thread.start()
        try:
            answers = self.ask_for(SECONDS, node, container)
        finally:
            stop.set()
            thread.join(70)
        print({status: len(list) for status, list in answers.items()}, "foreign", foreign, "… ", end="", flush=True)
        node.wait_until_idle()
        wait_for(lambda: container.task_status() == "RUNNING", 10, "a running task")
        container.counts_on()
        node.check()
        self.assertGreater(len(answers.get(200, [])), 0)
        self.assertGreater(sum(foreign.values()), SECONDS / 20)
        # Alone again, it works.
        self.assertStatus(node.post(container.path), 200)

    @staticmethod
    def is_held(container):
        time.sleep(0.05)
        return container.is_frozen() and container.task_status() in ("PAUSED", "BUSY")

    def test_somebodys_pause_is_never_undone(self):
        node, container = self.node(), self.pod().container()
        stop = threading.Event()
        seen, problems = [], []
        chance = random.Random(8)

        def pause_now_and_then():
            try:
                while not stop.wait(chance.uniform(0.1, 1)):
                    try:
                        container.pause()
                    except grpc.RpcError:
                        continue  # it is paused by a dump just now
                    end = time.monotonic() + chance.uniform(0.3, 2.5)
                    time.sleep(0.5)  # what it printed before is on its way
                    before = container.count()
                    while time.monotonic() < end:
                        # A dump that had begun before finds it paused and goes on: then the task does not answer, and
                        # CRIU turns the freezer off while it holds the processes itself, for a while. It never runs.
                        if not any(self.is_held(container) for _ in range(60)):
                            problems.append(f"undone: {container.task_status()} {container.is_frozen()}")
                            return
                        time.sleep(0.02)
                    if container.count() != before:
                        problems.append(f"it has run while it was paused: from {before} to {container.count()}")
                        return
                    seen.append(time.monotonic())
                    container.resume()
            except Exception as error:  # told by the test itself
                problems.append(repr(error))

        thread = threading.Thread(target=pause_now_and_then, daemon=True)
        thread.start()
        try:
            answers = self.ask_for(SECONDS / 2, node, container)
        finally:
            stop.set()
            thread.join(30)
        print({status: len(list) for status, list in answers.items()}, f"{len(seen)} pauses … ", end="", flush=True)
        self.assertEqual(problems, [])
        self.assertGreater(len(seen), 3)
        self.assertGreater(len(answers.get(200, [])), 0)
        self.assertGreater(len(answers.get(409, [])), 0)
        node.wait_until_idle()
        container.counts_on()
        node.check()

    def test_paused_before_it_is_refused_and_stays_paused(self):
        node, container = self.node(), self.pod().container()
        self.bed.ctr("task", "pause", container.id)
        answer = node.post(container.path)
        self.assertFailure(answer, container, 409)
        self.assertIn("paused", answer.body.lower())
        self.assertLess(answer.seconds, 10)
        self.assertEqual((container.task_status(), container.is_frozen()), ("PAUSED", True))
        time.sleep(3)
        self.assertEqual((container.task_status(), container.is_frozen()), ("PAUSED", True))
        node.kill()
        node.restart()
        self.assertEqual(container.task_status(), "PAUSED")
        self.assertEqual(node.recover().returncode, 0)
        self.assertEqual(container.task_status(), "PAUSED")
        node.check(frozen=True)
        container.resume()
        self.assertStatus(node.post(container.path), 200)
        container.counts_on()
        node.check()

    def test_paused_by_somebody_after_the_dump_was_lost_it_stays_so(self):
        # The dump process dies early; before anybody recovers, somebody else resumes the container.
        node, container = self.node(), self.pod().container(command=filling(300))
        later = node.post_later(container.path)
        job = node.wait_for_phase("dumping")
        pid = node.dumps()[job]
        node.kill()
        os.kill(pid, 9)
        # Whatever the runtime does of itself is over when the task answers and nothing changes any more.
        wait_for(lambda: container.task_status() in ("PAUSED", "RUNNING"), 30, "a task that answers")
        time.sleep(2)
        container.thaw()
        container.counts_on()
        self.assertEqual(node.recover().returncode, 0)
        self.assertIn(job, node.records())
        container.pause()
        self.assertEqual(node.recover().returncode, 0)
        self.assertEqual(container.task_status(), "PAUSED")
        container.resume()
        container.counts_on()
        self.assertTrue(later)
