# SPDX-License-Identifier: Apache-2.0
"""Callers who hang up, and more of them than there is room for."""

import collections
import concurrent.futures

from node import NodeTest
from support import wait_for
from workloads import filling


class CallerTest(NodeTest):
    LIMIT = 600  # seconds, for calls that wait for up to four minutes

    def test_who_leaves_while_queued_has_nothing_frozen_for_him(self):
        node = self.node()
        busy = [self.pod().container(command=filling(400)) for _ in range(2)]
        container = self.pod().container()
        running = [node.post_later(each.path) for each in busy]
        wait_for(lambda: len(node.dumps()) == 2, 30, "two dumps")
        hang_up = node.hang_up(container.path, "request=left")
        (item,) = wait_for(lambda: [job for job in node.jobs() if job.get("request") == "left"], 30, "the queued job")
        self.assertEqual(item["phase"], "queued")
        self.assertEqual(node.status()["checkpoints"]["queued"], 1)
        hang_up()
        wait_for(lambda: "left" not in [job.get("request") for job in node.jobs()], 30, "the end of the job")
        self.assertLess(len(node.dumps()), 3)
        for later in running:
            self.assertStatus(later.get(), 200)
        self.assertEqual(len(node.check()), 2)
        outcomes = [record["outcome"] for record in node.records().values()
                    if record["request"]["requester"].get("request") == "left"]
        self.assertEqual(outcomes, ["dropped"])
        container.counts_on()

    def test_who_leaves_while_it_runs_is_served_all_the_same(self):
        node, container = self.node(), self.pod().container(command=filling(300))
        hang_up = node.hang_up(container.path)
        job = node.wait_for_phase("dumping")
        hang_up()
        self.assertEqual(node.record(job)["outcome"], "published")
        node.wait_until_idle()
        self.assertEqual(len(node.check()), 1)
        container.counts_on()

    def test_who_waits_in_vain_in_the_queue(self):
        node, container = self.node(), self.pod().container(command=filling(800))
        first = node.post_later(container.path)
        node.wait_for_phase("dumping")
        answer = node.post(container.path, "timeout=1")
        self.assertStatus(answer, 504)
        self.assertTrue(0.9 <= answer.seconds < 10, answer)
        self.assertFalse(first.is_done())
        self.assertStatus(first.get(), 200)
        node.wait_until_idle()
        node.check()
        container.counts_on()

    def test_more_than_the_queue_holds(self):
        node, container = self.node(), self.pod().container(command=filling(300))
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: node.post(container.path, "timeout=240", timeout=270), range(30)))
        found = collections.Counter(answer.status for answer in answers)
        self.assertEqual(set(found), {200, 503}, found)
        # One runs, sixteen wait; one more may slip in when the first ends.
        self.assertGreaterEqual(found[200], 16)
        self.assertLessEqual(found[200], 20)
        for answer in answers:
            if answer.status == 503:
                self.assertTrue(answer.headers["Retry-After"].isdigit(), answer)
                self.assertLess(answer.seconds, 20)
        self.assertEqual(len(node.check()), found[200])
        container.counts_on()

    def test_two_at_a_time_on_the_node(self):
        node = self.node()
        containers = [self.pod().container(command=filling(200)) for _ in range(4)]
        running = [node.post_later(container.path) for container in containers]
        most = 0
        while not all(later.is_done() for later in running):
            # By the agent's word: a process whose job is over may still be ending.
            most = max(most, sum(job["phase"] != "queued" for job in node.jobs()))
        self.assertEqual(most, 2)
        for later in running:
            self.assertStatus(later.get(), 200)
        self.assertEqual(len(node.check()), 4)
