# SPDX-License-Identifier: Apache-2.0
"""The runtime killed, hung or without CRIU: before, during and after a dump."""

import os
import signal
import time

import bed as beds
from node import NodeTest
from support import wait_for
from workloads import filling


class RuntimeGoneTest(NodeTest):
    def tearDown(self):
        # Whatever a test has done to containerd, the clean-up and the next one find one that works.
        beds.shared()

    def assert_works(self, node, container):
        if container.state() == "UNKNOWN":
            # containerd that starts while a task is paused takes it for unknown until it is started again.
            self.assertFailure(node.post(container.path), container, 409, 500)
            container.counts_on()
            self.bed.restart()
            self.assertEqual(container.state(), "RUNNING")
        wait_for(lambda: node.post(container.path).status == 200, 30, "a checkpoint with the runtime back")
        container.counts_on()
        node.check()

    def test_killed_before(self):
        node, container = self.node(), self.pod().container()
        self.bed.kill()
        answer = node.post(container.path, timeout=60)
        self.assertStatus(answer, 500, 503)
        self.assertLess(answer.seconds, 20)
        if answer.status == 503:
            self.assertTrue(answer.headers["Retry-After"])
        self.assertFalse(container.is_frozen())
        support = wait_for(
            lambda: (said := node.status()["runtime"]["checkpoint"]) and not said["supported"] and said, 20,
            "the runtime's state")
        self.assertTrue(support["reason"])
        self.bed.start()
        self.assert_works(node, container)

    def test_killed_during(self):
        for moment, megabytes in [(0, 500), (0.3, 500), (1.0, 1000)]:
            with self.subTest(moment):
                node, container = self.node(), self.pod().container(command=filling(megabytes))
                later = node.post_later(container.path)
                job = node.wait_for_phase("dumping")
                time.sleep(moment)
                self.bed.kill()
                time.sleep(1)
                self.bed.start()
                answer = later.get()
                self.assertStatus(answer, 500, 503)
                self.assertIn("checkpointing of", answer.body)
                record = node.record(job)
                self.assertNotIn(record["outcome"], ["published", "dropped"])
                self.assertTrue(record["message"])
                node.wait_until_idle()
                wait_for(lambda: container.task_status() == "RUNNING", 30, "a running task")
                self.assertEqual(node.status()["checkpoints"]["frozen"], [])
                self.assert_works(node, container)

    def test_killed_for_a_while_the_container_is_named_until_it_runs(self):
        node, container = self.node(), self.pod().container(command=filling(500))
        later = node.post_later(container.path)
        node.wait_for_phase("dumping")
        wait_for(container.is_frozen, 10, "a frozen container")
        self.bed.kill()
        time.sleep(4)
        if container.is_frozen():
            frozen = node.status()["checkpoints"]["frozen"]
            self.assertIn(container.pod.name, str(frozen))
            self.assertIn(b"\nnodekeep_checkpoint_frozen_containers 1\n", node.get("/metrics", unix=True).body)
        self.bed.start()
        self.assertStatus(later.get(), 500, 503, 504)
        wait_for(lambda: container.task_status() == "RUNNING", 30, "a running task")
        self.assert_works(node, container)
        self.assertEqual(node.status()["checkpoints"]["frozen"], [])

    def test_killed_after_the_archive_is_written(self):
        node, container = self.node(), self.pod().container(command=filling(500))
        later = node.post_later(container.path)
        node.wait_for_phase("verifying")
        self.bed.kill()
        self.assertStatus(later.get(), 200)
        self.bed.start()
        node.wait_until_idle()
        self.assertEqual(len(node.check()), 1)
        container.counts_on()

    def test_hung(self):
        node, container = self.node(), self.pod().container()
        self.assertStatus(node.post(container.path), 200)
        self.bed.process.send_signal(signal.SIGSTOP)
        try:
            answer = node.post(container.path, "timeout=3", timeout=40)
            self.assertStatus(answer, 500, 503, 504)
            self.assertEqual(node.get("/readyz").status, 200)
        finally:
            self.bed.process.send_signal(signal.SIGCONT)
        self.assert_works(node, container)

    def test_without_criu(self):
        node, container = self.node(), self.pod().container()
        programs = self.bed.home / "without-criu"
        programs.mkdir()
        for directory in ["usr/sbin", "usr/bin"]:
            for program in (self.bed.tree / directory).iterdir():
                if program.name != "criu" and not (programs / program.name).is_symlink():
                    os.symlink(f"/{directory}/{program.name}", programs / program.name)
        self.bed.kill()
        self.bed.start(path=programs)
        try:
            # While it restarts, that is the reason.
            wait_for(
                lambda: "criu" in (node.status()["runtime"]["checkpoint"].get("reason") or "").lower(), 30,
                "a runtime that is said to be without CRIU")
            self.assertFalse(node.status()["runtime"]["checkpoint"]["supported"])
            answer = node.post(container.path)
            self.assertFailure(answer, container, 500)
            self.assertRegex(answer.body, r"rpc error: code = \w+ desc = .*(?i:criu)")
            container.counts_on()
        finally:
            self.bed.restart()
        self.assert_works(node, container)
