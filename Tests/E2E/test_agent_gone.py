# SPDX-License-Identifier: Apache-2.0
"""The agent stopped, replaced or killed while a dump is under way: the dump is nobody's child that matters."""

import os
import signal
import time

from node import NodeTest
from support import wait_for
from workloads import filling


class AgentGoneTest(NodeTest):
    def start(self, megabytes=400):
        node, container = self.node(), self.pod().container(command=filling(megabytes))
        later = node.post_later(container.path)
        return node, container, later, node.wait_for_phase("dumping")

    def test_stopped_for_good_the_dump_still_finishes(self):
        node, container, later, job = self.start()
        stopped = time.monotonic()
        node.signal(signal.SIGTERM)
        self.assertEqual(node.process.wait(10), 0)
        self.assertLess(time.monotonic() - stopped, 2)
        try:
            self.assertStatus(later.get(), 503, 504)
        except OSError:
            pass  # closed without an answer
        self.assertIn(job, node.dumps())
        node.wait_until_idle()
        self.assertEqual(node.record(job)["outcome"], "published")
        self.assertEqual(len(node.check()), 1)
        container.counts_on()
        # The next one knows it.
        node.restart()
        archives = wait_for(lambda: node.status()["checkpoints"].get("archives"), 5, "the archive in the status")
        self.assertEqual(archives, 1)
        self.assertEqual(node.jobs(), [])
        self.assertStatus(node.post(container.path), 200)
        self.assertEqual(len(node.check()), 2)

    def test_replaced_the_next_one_takes_the_dump_over(self):
        for number in [signal.SIGTERM, signal.SIGKILL]:
            with self.subTest(number.name):
                # Large enough to outlast the end of the one and the start of the other.
                node, container, later, job = self.start(800)
                pid = node.dumps()[job]
                node.signal(number)
                node.process.wait(10)
                node.restart()
                self.assertEqual(node.dumps().get(job), pid)
                wait_for(lambda: job in [item["id"] for item in node.jobs()], 10, "the job with the next one")
                # One at a time holds across agents: this one waits for the dump that it did not start.
                second = node.post(container.path)
                self.assertStatus(second, 200)
                self.assertEqual(node.record(job)["outcome"], "published")
                self.assertEqual(len(node.check()), 2)
                self.assertEqual(node.jobs(), [])
                container.counts_on()

    def test_killed_together_with_its_dump_the_next_one_recovers(self):
        node, container, later, job = self.start()
        pid = node.dumps()[job]
        node.kill()
        os.kill(pid, signal.SIGKILL)
        node.restart()
        record = node.record(job, seconds=60)
        self.assertNotEqual(record["outcome"], "dropped")
        node.wait_until_idle()
        wait_for(lambda: container.task_status() == "RUNNING", 30, "a running task")
        container.counts_on()
        node.check()
        self.assertEqual(node.status()["checkpoints"]["frozen"], [])

    def test_recover_does_it_without_an_agent(self):
        node, container, later, job = self.start()
        pid = node.dumps()[job]
        node.kill()
        os.kill(pid, signal.SIGKILL)
        # As long as it has not ended it holds the job's lock.
        wait_for(lambda: job not in node.dumps(), 10, "the end of the dump")
        done = node.recover()
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(node.unfinished(), [])
        self.assertIn(job, node.records())
        container.counts_on()
        node.check()
        self.assertEqual(node.recover().returncode, 0)
