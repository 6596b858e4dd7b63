# SPDX-License-Identifier: Apache-2.0
"""SIGKILL to the dump, the agent and its web process, alone and together, at every stage of a dump."""

import os
import time

from archives import Archive
from node import NodeTest
from support import wait_for
from workloads import filling

PHASES = ["started", "preparing", "dumping", "frozen", "verifying", "publishing"]


class PhaseTest(NodeTest):
    def catch(self, node, container, phase):
        """Starts dumps until one is seen in the phase. Gives the caller, the job and the dump's process, or None."""
        for _ in range(6):
            later = node.post_later(container.path)
            job = wait_for(lambda: next(iter(node.unfinished()), None), 10, "a job")
            while not later.is_done():
                pid = node.dumps().get(job) if phase == "started" else None
                is_there = (
                    pid is not None if phase == "started" else
                    container.is_frozen() if phase == "frozen" else node.phase(job) == phase)
                if is_there:
                    pid = pid or node.dumps().get(job)
                    if pid:
                        return later, job, pid
            self.assertStatus(later.get(), 200)
            node.wait_until_idle()
        return None

    def kill(self, node, pid, victims):
        if "dump" in victims:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        if "web" in victims:
            os.kill(node.web_pid(), 9)
        if "agent" in victims:
            node.kill()

    def assert_recovers(self, victims):
        container = self.pod().container(command=filling(250))
        node = self.node()
        caught = []
        for phase in PHASES:
            with self.subTest(phase):
                found = self.catch(node, container, phase)
                if not found:
                    continue
                caught.append(phase)
                later, job, pid = found
                self.kill(node, pid, victims)
                if "agent" in victims:
                    node.restart()
                record = node.record(job, seconds=60)
                node.wait_until_idle()
                wait_for(lambda: container.task_status() == "RUNNING", 30, "a running task")
                container.counts_on()
                try:
                    answer = later.get()
                except OSError:
                    answer = None  # cut off with the agent or with web
                if answer and answer.status == 200:
                    self.assertEqual(record["outcome"], "published")
                    Archive(answer.path)
                elif answer:
                    self.assertFailure(answer, container, 500, 503)
                    # The dump's end, which the caller can have heard of before the others were killed too.
                    self.assertIn("dump", victims)
                if "dump" not in victims:
                    # Nobody who matters to it died.
                    self.assertEqual(record["outcome"], "published")
                node.check()
                self.assertEqual(node.status()["checkpoints"]["frozen"], [])
                # Each is alone: the next one works.
                self.assertStatus(node.post(container.path), 200)
                # Its directory goes a moment later, and must not be taken for the next one's.
                node.wait_until_idle()
        print("caught", *caught, end=" … ")
        self.assertTrue({"started", "dumping", "frozen", "verifying"} <= set(caught), caught)
        node.check()

    def test_the_dump(self):
        self.assert_recovers(["dump"])

    def test_the_agent(self):
        self.assert_recovers(["agent"])

    def test_the_web_process(self):
        self.assert_recovers(["web"])

    def test_the_agent_and_the_dump(self):
        self.assert_recovers(["agent", "dump"])

    def test_all_together(self):
        self.assert_recovers(["dump", "web", "agent"])

    def test_the_dump_killed_again_and_again(self):
        # Killed as the call begins: the runtime shows a running task for up to 200 ms more, then pauses it for good.
        node, container = self.node(), self.pod().container(command=filling(100))
        ids = set()
        for number in range(12):
            later = node.post_later(container.path)
            job = node.wait_for_phase("dumping")
            ids.add(job)
            pid = node.dumps()[job]
            time.sleep(number * 0.003)
            os.kill(pid, 9)
            answer = later.get()
            self.assertFailure(answer, container, 500)
            self.assertEqual(answer.job, job)
            time.sleep(0.5)
            container.counts_on()
            node.wait_until_idle()
        self.assertEqual({node.record(job)["outcome"] for job in ids} - {"interrupted", "lost", "published"}, set())
        container.counts_on()
        self.assertStatus(node.post(container.path), 200)
        node.check()

    def test_signals_that_ask_do_not_end_a_dump(self):
        node, container = self.node(), self.pod().container(command=filling(300))
        later = node.post_later(container.path)
        job = node.wait_for_phase("dumping")
        pid = node.dumps()[job]
        for number in [15, 1, 2]:
            os.kill(pid, number)
            time.sleep(0.1)
        self.assertStatus(later.get(), 200)
        self.assertEqual(len(node.check()), 1)
