# SPDX-License-Identifier: Apache-2.0
"""What the service does when something is wrong with it."""

import json
import os
import pathlib
import signal
import subprocess

from deb_case import DebTest
from support import FileSystemServer, forgotten_job, wait_for

CONFIGURATION = "/etc/nodekeep/nodekeep.yaml"
BAD = "localPort: many\n"


class TroubleTest(DebTest):
    def setUp(self):
        before = self.machine.path(CONFIGURATION).read_text()
        self.addCleanup(self.machine.write, CONFIGURATION, before)

    def another(self, pid):
        """Another agent than `pid` serves."""
        return self.machine.main_pid() not in (0, pid) and self.machine.is_serving()

    def test_one_that_is_killed_is_started_again(self):
        pid, restarts = self.machine.main_pid(), int(self.machine.property("NRestarts"))
        os.kill(self.machine.outside(pid), signal.SIGKILL)
        wait_for(lambda: self.another(pid), 15, "another agent serves")
        self.assertEqual(int(self.machine.property("NRestarts")), restarts + 1)
        self.assertEqual(len(self.machine.service_processes()), 2, "one agent and one web process, nothing left over")

    def test_one_that_is_stuck_is_replaced_by_the_watchdog(self):
        pid = self.machine.main_pid()
        os.kill(self.machine.outside(pid), signal.SIGSTOP)
        wait_for(lambda: self.another(pid), 60, "another agent serves")
        self.assertSaid("Watchdog timeout", "UNIT=nodekeep.service")

    def test_a_reload_with_a_bad_configuration_is_refused(self):
        pid, since = self.machine.main_pid(), self.machine.from_now()
        self.machine.write(CONFIGURATION, BAD)
        done = self.machine.run("systemctl", "reload", "nodekeep", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertSaid(r"localPort: .*many", since, "_SYSTEMD_UNIT=nodekeep.service")
        self.assertEqual(self.machine.main_pid(), pid)
        self.assertTrue(self.machine.is_serving())

    def test_a_reload_with_a_good_one_takes_effect_in_the_same_process(self):
        pid = self.machine.main_pid()
        self.machine.write(CONFIGURATION, "nodeLabels: {example.com/rack: r7}\n")
        self.machine.run("systemctl", "reload", "nodekeep")
        wait_for(lambda: self.machine.status()["node"]["labels"].get("example.com/rack") == "r7", 5, "the new label")
        self.assertEqual(self.machine.main_pid(), pid)

    def test_a_start_with_a_bad_configuration_says_why_and_is_not_tried_again(self):
        since = self.machine.from_now()
        self.machine.write(CONFIGURATION, BAD)
        done = self.machine.run("systemctl", "restart", "nodekeep", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.machine.property("ActiveState"), "failed")
        self.assertEqual(self.machine.property("ExecMainStatus"), "2")
        self.assertSaid(r"localPort: .*many", since, "_SYSTEMD_UNIT=nodekeep.service",
                        "NODEKEEP_EVENT=configuration-problem", "PRIORITY=3")
        self.machine.write(CONFIGURATION, "")
        self.machine.run("systemctl", "start", "nodekeep")
        self.machine.wait_until_serving()

    def test_it_stops_in_time_and_leaves_nothing_running(self):
        self.machine.run("systemctl", "stop", "nodekeep", timeout=10)
        self.addCleanup(self.machine.run, "systemctl", "start", "nodekeep")
        self.assertEqual(self.machine.property("Result"), "success")
        self.assertEqual(self.machine.service_processes(), [])
        wait_for(lambda: not self.machine.path("/run/nodekeep").exists(), 5, "its runtime directory is gone")

    def test_another_directory_works_with_its_drop_in(self):
        self.machine.run("install", "-d", "-m", "0700", "/srv/checkpoints")
        self.machine.write(CONFIGURATION, "checkpointDirectory: /srv/checkpoints\n")
        self.addCleanup(self.machine.run, "systemctl", "restart", "nodekeep")
        self.addCleanup(self.machine.write, CONFIGURATION, "")
        self.machine.run("systemctl", "restart", "nodekeep")
        self.machine.wait_until_serving()
        problem = wait_for(lambda: self.machine.status()["checkpoints"].get("problem"), 5, "it says that it cannot write")
        self.assertIn("/srv/checkpoints", problem)
        self.assertIn("drop-in", problem)
        self.assertEqual(self.drop_in(), "[Service]\nReadWritePaths=/srv/checkpoints\n")
        self.machine.run("systemctl", "restart", "nodekeep")
        self.machine.wait_until_serving()
        wait_for(lambda: self.machine.path("/srv/checkpoints/.nodekeep/records").is_dir(), 5, "it works there")
        wait_for(lambda: not self.machine.status()["checkpoints"].get("problem"), 5, "there is no problem")

    def drop_in(self):
        """Gives the service what the configuration needs, until the test is over."""
        _, lines = self.machine.output("nodekeep", "config", "check").split("then restart it\n")
        self.machine.write("/etc/systemd/system/nodekeep.service.d/checkpoint-directory.conf", lines)
        self.addCleanup(self.machine.run, "systemctl", "daemon-reload")
        self.addCleanup(self.machine.run, "rm", "-r", "/etc/systemd/system/nodekeep.service.d")
        self.machine.run("systemctl", "daemon-reload")
        return lines

    def mounted(self, point):
        """A file system of our own, mounted in the machine."""
        server = FileSystemServer().start()
        self.addCleanup(server.close)
        self.machine.run("mkdir", "-p", point)
        subprocess.run(
            ["nsenter", f"--target={self.machine.leader}", "--mount", "--", *self.mounting(server, point)],
            check=True, pass_fds=[server.descriptor])
        self.addCleanup(self.machine.run, "umount", "--lazy", point)
        return server

    def test_a_file_system_is_shown_as_the_node_has_it(self):
        """In the agent's own mount namespace it is read-only."""
        self.mounted("/mnt/disk")
        self.machine.run("systemctl", "restart", "nodekeep")
        self.machine.wait_until_serving()
        own = pathlib.Path(f"/proc/{self.machine.outside(self.machine.main_pid())}/mountinfo").read_text()
        self.assertRegex(own, r" /mnt/disk ro[, ]")

        def disk():
            return [mount for mount in self.machine.status()["fileSystems"] if mount["mountPoint"] == "/mnt/disk"]
        (mount,) = wait_for(disk, 15, "the file system is shown")
        self.assertFalse(mount["readOnly"], mount)

    def test_a_restart_beside_a_hung_file_system(self):
        server = self.mounted("/mnt/hung")
        server.hang()
        self.addCleanup(server.resume)
        self.machine.run("systemctl", "restart", "nodekeep", timeout=60)
        self.machine.wait_until_serving()

        def is_hung():
            return [source for source in self.machine.status()["collectors"]
                    if source["name"] == "statfs:/mnt/hung" and source["state"] == "hung"]
        wait_for(is_hung, 15, "the hung file system is named")

    def mounting(self, server, point):
        # There is no Python in the machine: what mounts is a program of its own, made of two system calls.
        data = f"fd={server.descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
        return ["/bin/mount", "--internal-only", "-t", "fuse", "-o", data, "server", point]

    def test_a_job_that_was_left_is_recovered_in_a_unit_of_its_own(self):
        """As dumps are: the confined agent has systemd start it, and it writes where the agent writes."""
        self.machine.run("systemctl", "stop", "nodekeep")
        job = self.left("/var/lib/kubelet/checkpoints")
        self.machine.run("systemctl", "start", "nodekeep")
        self.assertRecovered(job, "/var/lib/kubelet/checkpoints")

    def test_so_is_one_in_a_directory_that_is_hidden_without_a_drop_in(self):
        self.machine.run("install", "-d", "-m", "0700", "/home/checkpoints")
        self.machine.write(CONFIGURATION, "checkpointDirectory: /home/checkpoints\n")
        self.addCleanup(self.machine.run, "systemctl", "restart", "nodekeep")
        self.addCleanup(self.machine.write, CONFIGURATION, "")
        self.drop_in()
        self.machine.run("systemctl", "stop", "nodekeep")
        job = self.left("/home/checkpoints", number=2)
        self.machine.run("systemctl", "start", "nodekeep")
        self.assertRecovered(job, "/home/checkpoints")

    def test_so_is_one_after_a_configuration_that_cannot_be_read(self):
        """By what is started when the service has ended, in the directory that was used last."""
        job = self.left("/var/lib/kubelet/checkpoints", number=3)
        self.machine.write(CONFIGURATION, "checkpointDirectory: [\n")
        self.machine.run("systemctl", "restart", "nodekeep", check=False)
        self.addCleanup(self.machine.wait_until_serving)
        self.addCleanup(self.machine.run, "systemctl", "restart", "nodekeep")
        self.addCleanup(self.machine.write, CONFIGURATION, "")
        record = wait_for(lambda: self.read(f"/var/lib/kubelet/checkpoints/.nodekeep/records/{job}.json"), 40, "a record")
        self.assertEqual(json.loads(record)["outcome"], "interrupted")
        self.assertEqual(self.machine.property("ActiveState"), "failed")

    def left(self, directory, number=1):
        """A job that was accepted, and that nobody works on."""
        job, work = f"20261121t061233-0000000{number}", f"{directory}/.nodekeep"
        self.machine.run("install", "-d", "-m", "0700", work, f"{work}/{job}")
        self.machine.write(f"{work}/{job}/request.json", forgotten_job(job, "unix:///run/containerd/containerd.sock"))
        self.machine.run("chmod", "0600", f"{work}/{job}/request.json")
        return job

    def assertRecovered(self, job, directory):
        work = f"{directory}/.nodekeep"
        record = wait_for(lambda: self.read(f"{work}/records/{job}.json"), 40, "the job has a record")
        self.assertEqual(json.loads(record)["request"]["id"], job)
        # The record first: whatever happens, one of the two is there.
        wait_for(lambda: not self.machine.path(f"{work}/{job}").exists(), 10, "its directory is gone")
        self.assertSaid(f"job {job} was left unfinished", f"_SYSTEMD_UNIT=nodekeep-recover-{job}.service", f"NODEKEEP_JOB={job}")
        self.assertNotIn("systemd does not start a unit", self.machine.messages("_SYSTEMD_UNIT=nodekeep.service"))

    def read(self, path):
        try:
            return self.machine.path(path).read_text()
        except FileNotFoundError:
            return None
