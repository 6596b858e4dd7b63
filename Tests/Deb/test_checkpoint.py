# SPDX-License-Identifier: Apache-2.0
"""Checkpoints through the installed service, of a real runtime's containers: what dumps outlive, and what is left."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import machine
import runtime
from archives import Archive
from deb_case import DebTest
from support import wait_for
from workloads import Pod, criu_gave_up, filling

DIRECTORY = "/var/lib/kubelet/checkpoints"
WORK = DIRECTORY + "/.nodekeep"


class CheckpointTest(DebTest):
    INSTALLED = False
    MACHINE = {"outside": runtime.OUTSIDE, "size": "4g"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.runtime = runtime.NodeRuntime(cls.machine)
        cls.machine.install(machine.package())
        cls.machine.wait_until_serving()

    def setUp(self):
        self.pod = Pod(self.runtime, namespace="shop")
        self.addCleanup(self.pod.remove)

    # What is seen of a job.

    def record(self, job):
        try:
            return json.loads(self.machine.path(f"{WORK}/records/{job}.json").read_text())
        except FileNotFoundError:
            return None

    def phase(self, job):
        try:
            return json.loads(self.machine.path(f"{WORK}/{job}/progress.json").read_text())["phase"]
        except FileNotFoundError:
            return None

    def jobs(self):
        """As the service lists them."""
        return json.loads(self.machine.output("nodekeep", "checkpoint", "jobs", "-o", "json"))["items"]

    def archives(self):
        return list(self.machine.path(DIRECTORY).glob("*.tar"))

    @staticmethod
    def unit(job):
        return f"nodekeep-dump-{job}.service"

    def check(self, job, container):
        """The job has ended well, and nothing of it is left but the archive and its record."""
        record = wait_for(lambda: self.record(job), 60, f"the record of {job}")
        self.assertEqual(record["outcome"], "published", record)
        self.assertEqual(record["containerState"], "RUNNING")
        archive = Archive(self.machine.path(f"{DIRECTORY}/{record['archive']}"))
        self.assertEqual((record["sha256"], record["size"]), (archive.sha256, archive.size))
        self.assertEqual(archive.container_id(), container.id)
        self.assertTrue(archive.path.name.startswith(f"checkpoint-{self.pod.name}_shop-{container.name}-"))
        wait_for(lambda: self.machine.property("LoadState", self.unit(job)) == "not-found", 20, "the unit is gone")
        wait_for(lambda: os.listdir(self.machine.path(WORK)) == ["records"], 10, "no job directory left")
        (entry,) = wait_for(lambda: self.published(f"_SYSTEMD_UNIT={self.unit(job)}"), 10, "a record of the unit")
        self.assertEqual((entry["NODEKEEP_JOB"], entry["NODEKEEP_SHA256"]), (job, archive.sha256))
        loose = [entry["MESSAGE"] for entry in self.machine.journal(f"_SYSTEMD_UNIT={self.unit(job)}")
                 if entry["_TRANSPORT"] != "journal"]
        self.assertEqual(loose, [])
        container.counts_on(30)
        self.assertEqual(container.task_status(), "RUNNING")
        self.assertEqual(self.runtime.frozen(), [])
        return record

    def published(self, *match):
        """What the journal has of archives."""
        return self.machine.journal("NODEKEEP_OUTCOME=published", *match)

    def asked_again(self, output, seconds):
        if not criu_gave_up(seconds, output):
            return False
        print(f"asked again after {seconds:.0f} s and {output!r} … ", end="", flush=True)
        return True

    # A dump that is held up while it writes memory, so that whatever is done takes place during it.

    def start(self, container):
        """The id of the job, and the process of its dump (out here)."""
        for _ in range(3):
            began = time.monotonic()
            asked = subprocess.Popen(
                self.machine.command("nodekeep", "checkpoint", "create", container.path), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=machine.ENVIRONMENT, cwd="/")
            self.addCleanup(self.end, asked)
            criu = wait_for(lambda: self.stopped_criu() or asked.poll() is not None, 60, "CRIU writes memory")
            if asked.poll() is None:
                break
            output = asked.communicate()[0]
            self.assertTrue(self.asked_again(output, time.monotonic() - began), output)
        else:
            self.fail("CRIU could not freeze it")
        self.addCleanup(self.go_on, criu)
        self.criu = criu
        (job,) = [item["id"] for item in self.jobs()]
        self.assertEqual(self.phase(job), "dumping")
        dump = self.machine.outside(int(self.machine.property("MainPID", self.unit(job))))
        self.assertEqual(self.machine.service_processes(self.unit(job)), [dump])
        self.assertNotIn(dump, self.machine.service_processes())
        self.assertTrue(container.stands_still())
        self.assertConfined(job, dump)
        return job, dump

    def assertConfined(self, job, dump):
        """The drop-in of the package holds for the units of dumps."""
        status = pathlib.Path(f"/proc/{dump}/status").read_text()
        for line in ["CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"]:
            self.assertIn(line, status)
        limits = pathlib.Path(f"/proc/{dump}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0")
        self.assertEqual(self.machine.property("OOMScoreAdjust", self.unit(job)), "-900")

    def stopped_criu(self):
        try:
            if any(path.stat().st_size for path in self.runtime.temporary.glob("**/pages-*.img")):
                for pid in self.runtime.processes():
                    if machine.comm(pid) == "criu":
                        os.kill(pid, signal.SIGSTOP)
                        return pid
        except (FileNotFoundError, ProcessLookupError):
            pass  # over before it was looked at
        return None

    def go_on(self, pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def end(self, process):
        """Without its output: what it has started in the machine may still hold that open."""
        process.kill()
        process.stdout.close()
        process.wait()

    def assertDumps(self, job, dump):
        """Still, and it is the same process."""
        self.assertEqual(self.machine.property("ActiveState", self.unit(job)), "active")
        self.assertEqual(self.machine.outside(int(self.machine.property("MainPID", self.unit(job)))), dump)
        self.assertEqual(self.phase(job), "dumping")
        self.assertIsNone(self.record(job))

    def assertKnown(self):
        """The service that runs now knows what was done while it did not."""
        self.assertEqual(self.jobs(), [])
        wait_for(lambda: self.machine.status()["checkpoints"]["archives"] == len(self.archives()), 10, "the archives")
        self.assertEqual(self.machine.status()["checkpoints"]["frozen"], [])

    def create(self, container):
        """Asks for one and waits for it: (the job, its record)."""
        for _ in range(3):
            began = time.monotonic()
            done = self.machine.run("nodekeep", "checkpoint", "create", container.path, check=False)
            if done.returncode == 0 or not self.asked_again(done.stdout, time.monotonic() - began):
                break
        self.assertEqual(done.returncode, 0, done.stdout)
        path = pathlib.Path(done.stdout.strip())
        self.assertEqual(str(path.parent), DIRECTORY)
        (job,) = [file.stem for file in self.machine.path(f"{WORK}/records").glob("*.json")
                  if json.loads(file.read_text()).get("archive") == path.name]
        return job, self.check(job, container)

    def test_one_of_a_counting_container(self):
        job, record = self.create(self.pod.container())
        self.assertEqual(record["request"]["requester"]["user"], "root")
        self.assertRegex(record["runtime"], "^containerd 2")
        self.assertGreater(record["times"]["frozen"], 0)
        self.assertKnown()
        # By the pod's name the journal finds what became of it, and who had asked for it.
        found = wait_for(lambda: self.published(f"NODEKEEP_POD={self.pod.name}", "_SYSTEMD_UNIT=nodekeep.service"), 10,
                         "records of the service")
        for entry in found:
            about = {name: entry.get("NODEKEEP_" + name) for name in ["NAMESPACE", "JOB", "ARCHIVE", "SHA256", "USER"]}
            self.assertEqual(about, {"NAMESPACE": "shop", "JOB": job, "ARCHIVE": record["archive"],
                                     "SHA256": record["sha256"], "USER": "root"})
        self.assertEqual({entry.get("NODEKEEP_AUDIT") for entry in found}, {None, "checkpoint"})
        self.assertNotIn("systemd does not start a unit", self.machine.messages("_SYSTEMD_UNIT=nodekeep.service"))

    def test_the_journal_finds_it_by_its_container(self):
        """What the dump says of it as well, which is all there is while no service runs."""
        job, record = self.create(self.pod.container())
        for unit in ["nodekeep.service", self.unit(job)]:
            found = wait_for(lambda: self.published(
                f"NODEKEEP_POD={self.pod.name}", "NODEKEEP_NAMESPACE=shop", "NODEKEEP_CONTAINER=count",
                f"_SYSTEMD_UNIT={unit}"), 10, f"a record of {unit}")
            self.assertEqual({entry["NODEKEEP_ARCHIVE"] for entry in found}, {record["archive"]})

    def test_stopped_the_dump_goes_on(self):
        container = self.pod.container("large", filling(300))
        job, dump = self.start(container)
        self.machine.run("systemctl", "stop", "nodekeep", timeout=30)
        self.addCleanup(self.machine.run, "systemctl", "start", "nodekeep")
        self.assertEqual(self.machine.property("ActiveState"), "inactive")
        self.assertEqual(self.machine.service_processes(), [])
        self.assertDumps(job, dump)
        self.go_on(self.criu)
        self.check(job, container)
        self.machine.run("systemctl", "start", "nodekeep")
        self.machine.wait_until_serving()
        self.assertKnown()

    def test_upgraded_the_dump_goes_on_and_the_new_one_waits_for_it(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        newer = machine.repacked(machine.package(), "99.0", directory.name)
        container = self.pod.container("large", filling(300))
        job, dump = self.start(container)
        agent = self.machine.main_pid()
        self.machine.install(newer)
        self.machine.wait_until_serving()
        self.assertNotIn(self.machine.main_pid(), (0, agent))
        self.assertTrue(os.readlink(f"/proc/{dump}/exe").endswith(" (deleted)"))
        self.assertDumps(job, dump)
        wait_for(lambda: [item["id"] for item in self.jobs()] == [job], 10, "the new one knows the job")
        self.go_on(self.criu)
        self.check(job, container)
        self.assertKnown()

    def test_one_by_an_agent_whose_program_was_replaced(self):
        """An upgrade leaves the old agent running where the configuration is not good: its dumps outlive it as well."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        newer = machine.repacked(machine.package(), "99.1", directory.name)
        configuration = "/etc/nodekeep/nodekeep.yaml"
        agent, since = self.machine.main_pid(), self.machine.from_now()
        self.machine.write(configuration, "localPort: many\n")
        self.addCleanup(self.machine.write, configuration, "")
        self.assertIn("goes on as it is", self.machine.install(newer))
        self.machine.write(configuration, "")
        self.assertEqual(self.machine.main_pid(), agent)
        self.assertTrue(os.readlink(f"/proc/{self.machine.outside(agent)}/exe").endswith(" (deleted)"))
        job, _ = self.create(self.pod.container())
        self.assertNotIn("systemd does not start", self.machine.messages(since, "_SYSTEMD_UNIT=nodekeep.service"))
        # The web process of the socket that it was asked through is of its own version, too.
        self.machine.output("nodekeep", "status")
        webs = [pid for pid in self.machine.service_processes() if machine.comm(pid) == "nodekeep-web"]
        self.assertEqual(len(webs), 2)
        for pid in webs:
            self.assertTrue(os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)"))

    def test_purged_the_dump_leaves_its_record(self):
        """The first one, when there are no records yet."""
        container = self.pod.container("large", filling(300))
        self.machine.run("sh", "-c", f"rm -rf {WORK}/records/*")
        job, dump = self.start(container)
        self.machine.run("apt-get", "purge", "--yes", "nodekeep")
        self.addCleanup(self.machine.wait_until_serving)
        self.addCleanup(self.machine.install, machine.package())
        self.assertFalse(self.machine.path("/var/lib/nodekeep").exists())
        self.go_on(self.criu)
        record = wait_for(lambda: self.record(job), 60, f"the record of {job}")
        self.assertEqual(record["outcome"], "published", record)
        wait_for(lambda: os.listdir(self.machine.path(WORK)) == ["records"], 10, "no job directory left")
        container.counts_on(30)

    def test_removed_the_dump_goes_on(self):
        container = self.pod.container("large", filling(300))
        job, dump = self.start(container)
        self.machine.run("apt-get", "remove", "--yes", "nodekeep")
        self.addCleanup(self.machine.install, machine.package())
        self.assertFalse(self.machine.path("/usr/bin/nodekeep").exists())
        self.assertEqual(self.machine.property("LoadState"), "not-found")
        self.assertEqual(self.machine.service_processes(), [])
        self.assertTrue(os.readlink(f"/proc/{dump}/exe").endswith(" (deleted)"))
        self.assertDumps(job, dump)
        self.go_on(self.criu)
        self.check(job, container)
        # The next installation finds it.
        self.machine.install(machine.package())
        self.machine.wait_until_serving()
        self.assertKnown()
