# SPDX-License-Identifier: Apache-2.0
"""Containers that are not simply running: not yet, no more, again, twice."""

import os
import time

from archives import Archive
from node import Later, NodeTest
from support import wait_for
from workloads import filling


class ContainerStateTest(NodeTest):
    def test_not_started(self):
        node, container = self.node(), self.pod().container(start=False)
        self.assertEqual(container.state(), "CREATED")
        answer = node.post(container.path)
        self.assertFailure(answer, container, 409)
        container.start().wait_until_counting()
        self.assertStatus(node.post(container.path), 200)
        node.check()

    def test_exited(self):
        node, pod = self.node(), self.pod()
        ended = pod.container("ended", ["true"], wait=False)
        wait_for(lambda: ended.state() == "EXITED", 10, "the end")
        self.assertFailure(node.post(ended.path), ended, 409)
        self.assertEqual(node.cli("create", ended.path).returncode, 3)
        node.check()

    def test_restarted_during_the_dump(self):
        node, pod = self.node(), self.pod()
        container = pod.container(command=filling(400))
        later = node.post_later(container.path)
        job = node.wait_for_phase("dumping")
        os.kill(container.pid(), 9)
        answer = later.get()
        # The last moment of it can have been caught; else it is said what became of it.
        self.assertStatus(answer, 200, 409, 500)
        self.assertIn(job, node.records())
        wait_for(lambda: container.state() == "EXITED", 20, "the end")
        again = pod.container(command=filling(20), attempt=1)
        answer = node.post(again.path)
        self.assertStatus(answer, 200)
        self.assertEqual(Archive(answer.path).container_id(), again.id)
        again.counts_on()
        node.wait_until_idle()
        node.check()
        self.assertEqual(node.status()["checkpoints"]["frozen"], [])

    def test_ended_while_queued(self):
        node, pod = self.node(), self.pod()
        container = pod.container(command=filling(800))
        first = node.post_later(container.path)
        node.wait_for_phase("dumping")
        second = node.post_later(container.path)
        wait_for(lambda: len(node.jobs()) == 2, 30, "a queued job")
        self.assertStatus(first.get(), 200)
        container.stop()
        self.assertStatus(second.get(), 200, 409, 500)
        node.wait_until_idle()
        node.check()

    def test_the_pod_is_replaced_while_its_job_is_queued(self):
        node = self.node()
        pod = self.pod(name="replaced")
        container = pod.container(command=filling(800))
        first = node.post_later(container.path)
        node.wait_for_phase("dumping")
        # Once: asked again, it would be for the pod that came after.
        second = Later(lambda: node.post_once(container.path))
        wait_for(lambda: len(node.jobs()) == 2, 30, "a queued job")
        self.assertStatus(first.get(), 200)
        pod.remove()
        other = self.pod(name="replaced").container()
        answer = second.get()
        if answer.status == 200:
            # Its turn came before the pod went.
            self.assertEqual(Archive(answer.path).container_id(), container.id)
        else:
            self.assertFailure(answer, container, 409, 500)
        other.counts_on()
        for archive in node.check().values():
            self.assertEqual(archive.container_id(), container.id)

    def test_one_name_in_an_old_and_a_new_sandbox(self):
        node = self.node()
        old = self.pod(name="twice")
        old.container().stop()
        old.stop()
        new = self.pod(name="twice", uid=old.uid, attempt=1)
        self.addCleanup(old.remove)
        container = new.container(attempt=1)
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        self.assertEqual(Archive(answer.path).container_id(), container.id)
        node.check()

    def test_both_sandboxes_alive_the_newer_one_is_meant(self):
        node = self.node()
        old = self.pod(name="both")
        former = old.container()
        new = self.pod(name="both", uid=old.uid, attempt=1)
        container = new.container(attempt=1)
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        self.assertEqual(Archive(answer.path).container_id(), container.id)
        former.counts_on()
        container.counts_on()
        node.check()

    def test_a_pod_of_the_same_name_that_is_still_ending(self):
        node = self.node()
        old = self.pod(name="same")
        old.container()
        time.sleep(0.01)
        container = self.pod(name="same").container()
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        self.assertEqual(Archive(answer.path).container_id(), container.id)

    def test_restarted_before(self):
        node, pod = self.node(), self.pod()
        pod.container().stop()
        container = pod.container(attempt=1)
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        self.assertEqual(Archive(answer.path).container_id(), container.id)
        self.assertEqual(node.record(answer.job)["request"]["container"]["attempt"], 1)

    def test_a_deleted_one(self):
        node, pod = self.node(), self.pod()
        container = pod.container()
        other = pod.container("other")
        container.stop()
        container.remove()
        answer = node.post(container.path)
        self.assertStatus(answer, 404)
        self.assertEqual(answer.body.rstrip("\n"), "container count does not exist")
        other.counts_on()
