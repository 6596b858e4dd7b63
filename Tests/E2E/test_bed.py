# SPDX-License-Identifier: Apache-2.0
"""The bed itself: that what the other tests lean on is there and does what they think, without nodekeep."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

import grpc

import bed
import cgroups
import runspace
from archives import read_to_the_end
from support import wait_for
from workloads import Pod, filling

RUN = pathlib.Path(__file__).resolve().parent / "run.py"


class BedTest(unittest.TestCase):
    def setUp(self):
        self.bed = bed.shared()

    def pod(self, **options):
        pod = Pod(self.bed, **options)
        self.addCleanup(pod.remove)
        return pod

    def test_the_runtime_is_one_that_can_checkpoint(self):
        name, version = self.bed.runtime.version()
        self.assertEqual(name, "containerd")
        self.assertRegex(version, r"^v?2\.")
        self.assertIn("Looks good", self.bed.command("criu", "check").stdout)

    def test_a_bare_checkpoint_is_an_archive_that_checkpointctl_reads(self):
        container = self.pod().container(command=filling(20))
        litter = self.bed.litter()
        archive = container.checkpoint(self.bed.home / "bare.tar")
        self.addCleanup(os.unlink, archive)
        self.assertTrue({"config.dump", "spec.dump", "checkpoint/inventory.img"} <= set(read_to_the_end(archive)))
        self.assertIn("count", self.bed.command("checkpointctl", "show", archive).stdout)
        container.counts_on()
        self.assertEqual(self.bed.litter(), litter)

    def test_a_pause_is_seen_by_everything_that_looks_for_it(self):
        container = self.pod().container()
        self.assertEqual((container.task_status(), container.is_frozen()), ("RUNNING", False))
        self.bed.ctr("task", "pause", container.id)
        self.assertEqual((container.task_status(), container.is_frozen()), ("PAUSED", True))
        self.assertEqual(self.bed.frozen(), [container.id])
        self.assertTrue(container.stands_still())
        self.assertEqual(container.state(), "RUNNING")
        self.bed.ctr("task", "resume", container.id)
        self.assertEqual((container.task_status(), container.is_frozen()), ("RUNNING", False))
        container.counts_on()

    def test_containers_outlive_containerd(self):
        container = self.pod().container()
        self.bed.kill()
        self.assertFalse(container.is_frozen())
        self.bed.start()
        self.assertEqual(container.task_status(), "RUNNING")
        container.counts_on()

    def test_a_filler_makes_a_large_dump_and_notices_none_of_it(self):
        container = self.pod().container(command=filling(200))
        seconds = bed.seconds_of(lambda: container.checkpoint(self.bed.home / "large.tar"))
        archive = self.bed.home / "large.tar"
        self.addCleanup(os.unlink, archive)
        self.assertGreater(archive.stat().st_size, 200 << 20)
        print(f"{seconds:.2f} s for 200 MiB … ", end="")
        container.counts_on()

    def test_a_mount_made_outside_is_seen_inside(self):
        place = self.bed.home / "mounted"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", place], check=True)
        (place / "file").touch()
        self.assertEqual(self.bed.command("ls", place).stdout, "file\n")

    def test_a_call_that_is_cut_leaves_the_container_frozen(self):
        # The harm that nodekeep is there to prevent, so that nobody thinks it away.
        container = self.pod().container(command=filling(300))
        with self.assertRaises(grpc.RpcError) as raised:
            container.checkpoint(self.bed.home / "cut.tar", deadline=0.4)
        # The deadline is the server's as well as ours, and either may be the first to say that it is over.
        self.assertIn(
            raised.exception.code(), (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED))
        wait_for(lambda: container.task_status() == "PAUSED", 60, "a task that answers")
        time.sleep(2)
        self.assertEqual((container.task_status(), container.is_frozen()), ("PAUSED", True))
        self.assertEqual(container.state(), "RUNNING")
        container.resume()
        container.counts_on()

    def test_the_old_runtime_runs_a_container_and_cannot_checkpoint(self):
        old = bed.shared("old")
        self.assertRegex(old.runtime.version()[1], r"^v?1\.6")
        pod = Pod(old)
        self.addCleanup(pod.remove)
        container = pod.container()
        with self.assertRaises(grpc.RpcError) as raised:
            container.checkpoint(old.home / "never.tar")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        container.counts_on()


class LeftoverTest(unittest.TestCase):
    """A run of its own, ended in every way; its container is frozen meanwhile, which is the worst to be rid of."""

    def run_and_end(self, number):
        process = subprocess.Popen(
            [sys.executable, RUN, "--bed"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            start_new_session=True)
        try:
            found = None
            for line in process.stdout:
                found = re.match(r"bed (\S+) container (\S+) pid (\d+)$", line)
                if found:
                    break
            self.assertTrue(found, "the bed was not there")
            name, container = found[1], found[2]
            processes = cgroups.processes(name)
            self.assertIn(int(found[3]), processes)
            group = cgroups.TREE / name / "pods" / container
            cgroups.state_file(group).write_text("1" if cgroups.UNIFIED else "FROZEN")
            wait_for(lambda: cgroups.is_frozen(group), 5, "a frozen container")
            process.send_signal(number)
            process.stdout.read()
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
        return name, processes

    def assert_nothing_left(self, name, processes):
        self.assertFalse((runspace.PARENT / name).exists())
        self.assertEqual(cgroups.remains(name), [])
        wait_for(lambda: not {pid for pid in processes if self.is_of(pid, name)}, 5, "the end of every process")
        for line in pathlib.Path("/proc/1/mountinfo").read_text().splitlines():
            self.assertNotIn(name, line)

    @staticmethod
    def is_of(pid, name):
        try:
            return name in pathlib.Path(f"/proc/{pid}/cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False

    def test_an_interrupted_run_leaves_nothing(self):
        for number in [signal.SIGINT, signal.SIGTERM]:
            with self.subTest(number.name):
                self.assert_nothing_left(*self.run_and_end(number))

    def test_what_a_killed_run_leaves_goes_with_the_next(self):
        name, processes = self.run_and_end(signal.SIGKILL)
        self.assertTrue((runspace.PARENT / name).exists())
        runspace.sweep()
        self.assert_nothing_left(name, processes)
