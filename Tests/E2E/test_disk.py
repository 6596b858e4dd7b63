# SPDX-License-Identifier: Apache-2.0
"""A file system for the checkpoints that is too small, or becomes so."""

import errno
import os
import subprocess

import bed as beds
from node import NodeTest
from support import wait_for
from workloads import filling


class DiskTest(NodeTest):
    def disk(self, megabytes):
        """A file system of that size that the bed sees as well; gives a checkpoints directory on it."""
        image = self.bed.run.directory / f"disk-{self.id().rsplit('.')[-1]}.img"
        place = image.with_suffix("")
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        self.addCleanup(image.unlink)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image], check=True)
        place.mkdir()
        subprocess.run(["mount", "-o", "loop", image, place], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", place], check=True)
        return place / "checkpoints"

    @staticmethod
    def fill(directory, leave=0):
        path = directory.parent / "filler"
        with open(path, "ab") as file:
            size = file.tell()
            while (free := beds.free_bytes(directory.parent) - leave) > 0:
                try:
                    os.posix_fallocate(file.fileno(), size, max(4096, min(free, 8 << 20)))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    if free < 64 << 10:
                        break
                size = os.fstat(file.fileno()).st_size
                if free < 64 << 10:
                    break
        return path

    def assert_nothing_left(self, node, container):
        node.wait_until_idle()
        self.assertEqual(node.check(), {})
        wait_for(lambda: container.task_status() == "RUNNING", 10, "a running task")
        container.counts_on()
        left = sorted(str(path) for path in node.checkpoints.rglob("*") if path.is_file())
        self.assertTrue(all("/records/" in path for path in left), left)

    def test_it_never_fitted(self):
        node, container = self.node(self.disk(200)), self.pod().container(command=filling(300))
        answer = node.post(container.path)
        self.assertFailure(answer, container, 507)
        self.assertLess(answer.seconds, 5)
        self.assertEqual((node.archives(), node.unfinished()), ([], []))
        self.assertEqual(node.cli("create", container.path).returncode, 4)
        dry = node.cli("create", container.path, "--dry-run")
        self.assertRegex((dry.stdout + dry.stderr).lower(), "space|fit")
        self.assert_nothing_left(node, container)

    def test_full_before(self):
        directory = self.disk(300)
        node, container = self.node(directory), self.pod().container(command=filling(20))
        filler = self.fill(directory)
        answer = node.post(container.path)
        self.assertFailure(answer, container, 507)
        self.assert_nothing_left(node, container)
        filler.unlink()
        wait_for(lambda: node.post(container.path).status == 200, 5, "room again")
        node.check()

    def test_full_during(self):
        directory = self.disk(700)
        node, container = self.node(directory), self.pod().container(command=filling(300))
        later = node.post_later(container.path)
        job = node.wait_for_phase("dumping")
        filler = self.fill(directory)
        answer = later.get()
        self.assertFailure(answer, container, 500, 507)
        self.assertIn("no space left", answer.body.lower())
        # The record needs room as well; it is there when there is room again at the latest.
        filler.unlink()
        self.assertEqual(node.record(job)["outcome"], "noSpace")
        self.assert_nothing_left(node, container)
        self.assertStatus(node.post(container.path), 200)
        self.assertEqual(len(node.check()), 1)

    def test_two_that_fit_alone_but_not_together(self):
        node = self.node(self.disk(440))
        containers = [self.pod().container(command=filling(240)) for _ in range(2)]
        running = [node.post_later(container.path) for container in containers]
        answers = [later.get() for later in running]
        self.assertEqual(sorted(answer.status for answer in answers), [200, 507], answers)
        node.wait_until_idle()
        (archive,) = node.check().values()
        for container in containers:
            container.counts_on()
        # With the first one's archive gone, the other fits.
        archive.path.unlink()
        refused = containers[[answer.status for answer in answers].index(507)]
        wait_for(lambda: node.post(refused.path).status == 200, 5, "room again")

    def test_many_in_a_row_stop_before_the_disk_is_full(self):
        directory = self.disk(600)
        node, container = self.node(directory), self.pod().container(command=filling(80))
        statuses = [node.post(container.path).status for _ in range(8)]
        self.assertEqual(set(statuses), {200, 507}, statuses)
        self.assertEqual(statuses, sorted(statuses))
        self.assertGreater(statuses.count(200), 2)
        self.assertGreater(beds.free_bytes(directory), 8 << 20)
        self.assertEqual(len(node.check()), statuses.count(200))
        container.counts_on()
