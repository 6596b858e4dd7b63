# SPDX-License-Identifier: Apache-2.0
"""Pressure for real: a file system that fills up, tasks and memory that run out, and conditions that follow in time."""

import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from support import AgentTest, FileSystemServer, PRIVATE_MOUNTS, wait_for

MIB = 1024 * 1024

WORDS = {
    "DiskPressure": {
        "True": ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        "False": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    },
    "MemoryPressure": {
        "True": ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        "False": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    },
    "PIDPressure": {
        "True": ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        "False": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    },
}
TAINTS = {
    "DiskPressure": "node.kubernetes.io/disk-pressure", "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
}

# Crossed to shown: two readings a second apart, and what our own polling of the page adds on a busy machine.
PROMISE = 2.0
OURS = 0.8


def seconds(text):
    """A time stamp of the API as seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def bytes_of(text):
    number, unit = re.fullmatch(r"([\d.]+)(\D*)", text).groups()
    return float(number) * {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]


def available_memory():
    """The kubelet's memory.available: MemTotal less the working set of the root cgroup, computed by other means."""
    def fields(path):
        return dict(line.replace(":", "").split()[:2] for line in pathlib.Path(path).read_text().splitlines())

    memory = {name: int(value) * 1024 for name, value in fields("/proc/meminfo").items()}
    version1 = pathlib.Path("/sys/fs/cgroup/memory")
    if (version1 / "memory.usage_in_bytes").exists():
        usage = int((version1 / "memory.usage_in_bytes").read_text())
        return memory["MemTotal"] - (usage - int(fields(version1 / "memory.stat")["total_inactive_file"]))
    if pathlib.Path("/sys/fs/cgroup/memory.stat").exists():
        stat = fields("/sys/fs/cgroup/memory.stat")
        usage = int(stat["anon"]) + int(stat["file"])
        return memory["MemTotal"] - (usage - int(stat["inactive_file"]))
    usage = memory["MemTotal"] - memory["MemFree"]
    return memory["MemTotal"] - max(0, usage - memory["Inactive(file)"])


def available_pids():
    limit = min(int(pathlib.Path(f"/proc/sys/kernel/{name}").read_text()) for name in ["pid_max", "threads-max"])
    return limit - int(pathlib.Path("/proc/loadavg").read_text().split()[3].split("/")[1])


class SmallDisk:
    """A file system of its own on a loop device."""

    def __init__(self, size=64 * MIB, options=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-disk-"))
        self.path = self.directory / "disk"
        self.is_mounted = False
        try:
            image = self.directory / "image"
            with open(image, "wb") as file:
                file.truncate(size)
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", *options, str(image)], check=True, capture_output=True)
            self.path.mkdir()
            subprocess.run(["mount", "-o", "loop", str(image), str(self.path)], check=True, capture_output=True)
            self.is_mounted = True
        except BaseException:
            self.close()
            raise

    def available(self):
        usage = os.statvfs(self.path)
        return usage.f_bavail * usage.f_frsize

    def capacity(self):
        usage = os.statvfs(self.path)
        return usage.f_blocks * usage.f_frsize

    def inodes_free(self):
        return os.statvfs(self.path).f_ffree

    def fill(self, leave, name="filler"):
        """Takes space until `leave` bytes are available, less the little that the file system needs for its books."""
        with open(self.path / name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.available() - leave)

    def free(self, name="filler"):
        (self.path / name).unlink()

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)


class Watch:
    """Everything that a condition of an agent is, from now on, seen every few milliseconds."""

    def __init__(self, agent, kind):
        self.agent, self.kind = agent, kind
        self.seen = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.done.is_set():
            try:
                condition = self.agent.condition(self.kind)
            except OSError:
                continue
            state = (condition["status"], condition["message"])
            if not self.seen or self.seen[-1][:2] != state:
                self.seen.append((*state, time.monotonic(), condition))
            time.sleep(0.01)

    def statuses(self):
        return [entry[0] for entry in self.seen]

    def stop(self):
        time.sleep(0.1)  # one last look
        self.done.set()
        self.thread.join()
        return self.statuses()


class PressureTest(AgentTest):
    def disk(self, *arguments, **options):
        disk = SmallDisk(*arguments, **options)
        self.addCleanup(disk.close)
        return disk

    def load(self, source):
        """A process that takes something when it reads a line, and gives it back at the next one."""
        process = subprocess.Popen(
            [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def check_words(self, condition, status, prefix_only=False):
        reason, message = WORDS[condition["type"]][status]
        self.assertEqual((condition["status"], condition["reason"]), (status, reason))
        if prefix_only:
            self.assertTrue(condition["message"].startswith(message + ": "), condition["message"])
        else:
            self.assertEqual(condition["message"], message)

    def measure(self, agent, kind, status, act, crossed, limit=PROMISE + OURS, earliest=0.0, what=""):
        """Acts, then watches both the thing itself and the condition. Gives the condition and how long it took."""
        wall = time.time()
        runner = threading.Thread(target=act, daemon=True)
        crossing, last_not_crossed = None, time.monotonic()
        runner.start()
        while True:
            if crossing is None:
                looked = time.monotonic()
                if crossed():
                    crossing = time.monotonic()
                else:
                    last_not_crossed = looked
            condition = agent.condition(kind)
            now = time.monotonic()
            if condition["status"] == status:
                break
            self.assertLess(now - (crossing or now), limit + 1, f"{kind} is not {status}: {condition}")
            self.assertLess(time.time() - wall, 60, "never crossed")
            time.sleep(0.005)
        runner.join(20)
        self.assertIsNotNone(crossing, f"{kind} is {status} before anything was crossed: {condition}")
        took = now - crossing
        print(f"  {what or kind + ' ' + status}: {took:.2f} s", flush=True)
        self.assertLessEqual(took, limit)
        # It was crossed somewhere between two looks.
        self.assertGreaterEqual(now - last_not_crossed, earliest)
        # The stamp is that of the flip, in whole seconds.
        self.assertGreaterEqual(seconds(condition["lastTransitionTime"]), int(wall))
        self.assertLessEqual(seconds(condition["lastTransitionTime"]), time.time())
        return condition

    def check_everywhere(self, agent, kind, status):
        """Metric and taints say the same as the condition."""
        metrics = agent.metrics()
        for value in ["true", "false", "unknown"]:
            self.assertEqual(
                metrics[f'nodekeep_node_condition{{condition="{kind}",status="{value}"}}'],
                1 if value == status.lower() else 0)
        taints = [f"{taint['key']}:{taint['effect']}" for taint in agent.json("/status")["taints"]]
        # Ready has taints of its own, which are none of ours here.
        taints = [taint for taint in taints if not taint.startswith("node.kubernetes.io/not-ready:")]
        self.assertEqual(taints, [f"{TAINTS[kind]}:NoSchedule"] if status == "True" else [])

    def settled(self, agent, kind, status="False"):
        wait_for(lambda: agent.condition(kind)["status"] == status, 5, f"{kind} {status}")
        return agent.condition(kind)

    def next_reading(self, agent, source):
        """The wall-clock time of the next reading, which come a second apart."""
        last = agent.metrics()[f'nodekeep_source_last_success_timestamp_seconds{{source="{source}"}}']
        coming = last + 1
        while coming < time.time() + 0.45:
            coming += 1
        return coming

    # Disk

    def test_a_disk_that_fills_up_and_is_freed(self):
        disk = self.disk()
        agent = self.agent(
            'evictionHard: {nodefs.available: "20%"}\nevictionPressureTransitionPeriod: 1h\n'
            "evictionPressureTransitionPeriods: {DiskPressure: 3s}\n", ["--root-dir", str(disk.path)])
        before = self.settled(agent, "DiskPressure")
        self.check_words(before, "False")
        threshold = disk.capacity() * 0.2
        leave = int(threshold / 2)
        condition = self.measure(
            agent, "DiskPressure", "True", lambda: disk.fill(leave), lambda: disk.available() < threshold,
            what="disk full to DiskPressure True")
        self.check_words(condition, "True", prefix_only=True)
        match = re.fullmatch(
            r"kubelet has disk pressure: nodefs\.available (\S+) is below its threshold 20% \((\S+)\)",
            condition["message"])
        self.assertIsNotNone(match, condition["message"])
        self.assertAlmostEqual(bytes_of(match[1]), disk.available(), delta=MIB)
        self.assertAlmostEqual(bytes_of(match[2]), threshold, delta=MIB)
        self.check_everywhere(agent, "DiskPressure", "True")
        signal_status = agent.signal_status("nodefs.available")
        self.assertTrue(signal_status["met"])
        self.assertEqual(signal_status["available"], disk.available())
        # More of the same changes neither words nor stamp.
        disk.fill(leave // 2, "more")
        time.sleep(2.2)
        again = agent.condition("DiskPressure")
        self.assertEqual(
            (again["message"], again["lastTransitionTime"]), (condition["message"], condition["lastTransitionTime"]))
        disk.free("more")

        watch = Watch(agent, "DiskPressure")
        # True for the transition period, counted from the last reading that was bad, which is up to a second old.
        back = self.measure(
            agent, "DiskPressure", "False", disk.free, lambda: disk.available() > threshold, limit=4 + OURS,
            earliest=2.0, what="freed to DiskPressure False, period 3 s")
        self.assertEqual(watch.stop(), ["True", "False"])
        self.check_words(back, "False")
        self.check_everywhere(agent, "DiskPressure", "False")
        self.assertFalse(agent.signal_status("nodefs.available")["met"])
        self.assertGreaterEqual(
            seconds(back["lastTransitionTime"]) - seconds(condition["lastTransitionTime"]), 4)

    def test_the_worst_moment_to_fill_a_disk(self):
        """Just after a reading, so that the two that must agree are as far away as they can be."""
        disk = self.disk()
        agent = self.agent(
            "evictionHard: {nodefs.available: 30Mi}\nevictionPressureTransitionPeriod: 1s\n",
            ["--root-dir", str(disk.path)])
        for delay in [0.02, 0.5, 0.95]:
            self.settled(agent, "DiskPressure")
            time.sleep(self.next_reading(agent, "nodefs") + delay - time.time())
            condition = self.measure(
                agent, "DiskPressure", "True", lambda: disk.fill(10 * MIB), lambda: disk.available() < 30 * MIB,
                what=f"crossed {delay} s after a reading")
            self.assertRegex(condition["message"], r"nodefs\.available (9\.\d|10)Mi is below its threshold 30Mi$")
            disk.free()

    def test_inodes_that_run_out(self):
        disk = self.disk(16 * MIB, ["-N", "512"])
        agent = self.agent(
            "evictionHard: {nodefs.inodesFree: 200}\nevictionPressureTransitionPeriod: 1s\n",
            ["--root-dir", str(disk.path)])
        self.settled(agent, "DiskPressure")
        many = disk.path / "many"

        def fill():
            many.mkdir()
            for number in range(disk.inodes_free() - 150):
                (many / str(number)).touch()
        condition = self.measure(
            agent, "DiskPressure", "True", fill, lambda: disk.inodes_free() < 200, what="inodes to DiskPressure True")
        self.check_words(condition, "True", prefix_only=True)
        match = re.search(r": nodefs\.inodesFree (\d+) is below its threshold 200$", condition["message"])
        self.assertIsNotNone(match, condition["message"])
        self.assertLess(int(match[1]), 200)
        self.check_everywhere(agent, "DiskPressure", "True")
        back = self.measure(
            agent, "DiskPressure", "False", lambda: shutil.rmtree(many), lambda: disk.inodes_free() > 200,
            limit=PROMISE + OURS, what="inodes back to DiskPressure False, period 1 s")
        self.check_words(back, "False")

    def test_dips_shorter_than_a_second_change_nothing(self):
        disk = self.disk()
        agent = self.agent(
            "evictionHard: {nodefs.available: 30Mi}\nevictionPressureTransitionPeriod: 1s\n",
            ["--root-dir", str(disk.path)])

        def is_met():
            return agent.signal_status("nodefs.available")["met"]

        for lead, length in [(0.2, 0.4), (0.05, 0.4), (0.3, 0.4), (0.1, 0.9), (0.4, 0.9)]:
            # On a busy machine the reading may be late, or the dip too long: then once more.
            for _ in range(5):
                before = self.settled(agent, "DiskPressure")
                watch = Watch(agent, "DiskPressure")
                # Laid around a reading, which therefore sees it: not merely missed.
                time.sleep(max(0, self.next_reading(agent, "nodefs") - lead - time.time()))
                begin, was_met = time.monotonic(), False
                disk.fill(10 * MIB)
                while time.monotonic() < begin + length:
                    was_met = was_met or is_met()
                    time.sleep(0.01)
                disk.free()
                took = time.monotonic() - begin
                wait_for(lambda: not is_met(), 5, "a reading after the dip")
                statuses, after = watch.stop(), agent.condition("DiskPressure")
                if was_met and took < 0.97:
                    self.assertEqual(statuses, ["False"])
                    self.assertEqual(after["lastTransitionTime"], before["lastTransitionTime"])
                    break
            else:
                self.fail(f"no dip of {length} s that a reading has seen")

    def test_soft_thresholds_have_their_grace_and_hard_ones_none(self):
        disk = self.disk()
        agent = self.agent(
            "evictionHard: {nodefs.available: 10Mi}\nevictionSoft: {nodefs.available: 30Mi}\n"
            "evictionSoftGracePeriod: {nodefs.available: 2s}\nevictionPressureTransitionPeriod: 1s\n",
            ["--root-dir", str(disk.path)])
        self.settled(agent, "DiskPressure")
        # Below the soft one for less than its grace: nothing.
        watch = Watch(agent, "DiskPressure")
        time.sleep(self.next_reading(agent, "nodefs") - 0.2 - time.time())
        disk.fill(20 * MIB)
        time.sleep(1.5)  # two readings
        disk.free()
        time.sleep(2)
        self.assertEqual(watch.stop(), ["False"])
        # For longer: after the grace, not before.
        condition = self.measure(
            agent, "DiskPressure", "True", lambda: disk.fill(20 * MIB), lambda: disk.available() < 30 * MIB,
            earliest=2.0, limit=4 + OURS, what="soft threshold, grace 2 s")
        self.check_words(condition, "True", prefix_only=True)
        self.assertRegex(
            condition["message"], r": nodefs\.available (19|20)Mi has been below its soft threshold 30Mi for [23]s$")
        disk.free()
        self.settled(agent, "DiskPressure")
        # The hard one does not wait for the soft one's grace.
        agent.config.write_text(agent.config.read_text().replace("2s}", "10m}"))
        agent.signal(signal.SIGHUP)
        time.sleep(1)
        condition = self.measure(
            agent, "DiskPressure", "True", lambda: disk.fill(5 * MIB), lambda: disk.available() < 10 * MIB,
            what="hard threshold below a soft one")
        self.assertRegex(condition["message"], r": nodefs\.available (4\.\d|5)Mi is below its threshold 10Mi$")

    def test_a_new_threshold_is_taken_at_its_word(self):
        disk = self.disk()
        config = "evictionHard: {{nodefs.available: {}}}\nevictionPressureTransitionPeriod: 1s\n"
        agent = self.agent(config.format("5Mi"), ["--root-dir", str(disk.path)])
        disk.fill(20 * MIB)
        self.settled(agent, "DiskPressure")

        def reload(threshold):
            agent.config.write_text(config.format(threshold))
            agent.signal(signal.SIGHUP)

        def is_read(text):
            return lambda: agent.signal_status("nodefs.available")["hard"]["text"] == text
        condition = self.measure(
            agent, "DiskPressure", "True", lambda: reload("40Mi"), is_read("40Mi"), what="SIGHUP, threshold raised")
        self.assertRegex(condition["message"], r": nodefs\.available (19|20)Mi is below its threshold 40Mi$")
        back = self.measure(
            agent, "DiskPressure", "False", lambda: reload("5Mi"), is_read("5Mi"), limit=PROMISE + OURS,
            what="SIGHUP, threshold lowered, period 1 s")
        self.check_words(back, "False")

    def test_another_agent_on_a_full_disk_never_says_it_is_well(self):
        disk = self.disk()
        disk.fill(10 * MIB)
        arguments = ["--root-dir", str(disk.path)]
        for _ in range(2):
            agent = self.agent("evictionHard: {nodefs.available: 30Mi}\n", arguments, wait=False)
            started = time.monotonic()
            watch = Watch(agent, "DiskPressure")
            wait_for(lambda: "True" in watch.statuses(), 5, "DiskPressure True")
            print(f"  start on a full disk to DiskPressure True: {time.monotonic() - started:.2f} s", flush=True)
            self.assertEqual(watch.stop()[-2:], ["Unknown", "True"])
            self.assertNotIn("False", watch.statuses())
            self.check_words(watch.seen[-1][3], "True", prefix_only=True)
            agent.close()

    def test_what_cannot_be_read_is_neither_true_nor_false(self):
        server = FileSystemServer(blocks=25_600, available=20_000).start()
        self.addCleanup(server.close)
        with tempfile.TemporaryDirectory(prefix="nodekeep-disk-") as point:
            agent = self.agent(
                "evictionHard: {nodefs.available: 30Mi}\nevictionPressureTransitionPeriod: 1h\n",
                ["--root-dir", point], prefix=[*PRIVATE_MOUNTS, *server.mount_command(point), "--"],
                pass_fds=[server.descriptor])
            self.settled(agent, "DiskPressure")
            server.available = 2_560
            condition = self.measure(
                agent, "DiskPressure", "True", lambda: None, lambda: True, what="a served file system fills up")
            self.assertRegex(condition["message"], r": nodefs\.available 10Mi is below its threshold 30Mi$")
            # Every call fails from here on: the transition period must not go on saying True, and nobody says False.
            watch = Watch(agent, "DiskPressure")
            server.close()
            condition = wait_for(
                lambda: (lambda now: now if now["status"] == "Unknown" else None)(agent.condition("DiskPressure")), 3,
                "DiskPressure Unknown")
            time.sleep(2)
            self.assertEqual(watch.stop(), ["True", "Unknown"])
            self.assertIn("nodefs.available", condition["message"])
            self.assertIn("Transport endpoint is not connected", condition["message"])
            self.assertEqual(agent.collector("nodefs")["state"], "failed")
            self.check_everywhere(agent, "DiskPressure", "Unknown")

    # Tasks

    TASKS = """
import sys, threading
print("ready", flush=True)
for line in sys.stdin:
    done = threading.Event()
    threading.stack_size(65536)
    tasks = [threading.Thread(target=done.wait) for _ in range(int(line))]
    for task in tasks: task.start()
    print("taken", flush=True)
    sys.stdin.readline()
    done.set()
    for task in tasks: task.join()
    print("given", flush=True)
"""

    def test_tasks_that_run_out(self):
        threshold = available_pids() - 150
        agent = self.agent(
            f"evictionHard: {{pid.available: {threshold}}}\nevictionPressureTransitionPeriod: 1h\n"
            "evictionPressureTransitionPeriods: {PIDPressure: 1s}\n")
        self.check_words(self.settled(agent, "PIDPressure"), "False")
        sleepers = []

        def end():
            for sleeper in sleepers:
                sleeper.kill()
            for sleeper in sleepers:
                sleeper.wait()
        self.addCleanup(end)
        condition = self.measure(
            agent, "PIDPressure", "True",
            lambda: sleepers.extend(subprocess.Popen(["sleep", "60"]) for _ in range(300)),
            lambda: available_pids() < threshold, what="300 processes to PIDPressure True")
        self.check_words(condition, "True", prefix_only=True)
        match = re.search(rf": pid\.available (\d+) is below its threshold {threshold}$", condition["message"])
        self.assertIsNotNone(match, condition["message"])
        self.assertLess(int(match[1]), threshold)
        self.check_everywhere(agent, "PIDPressure", "True")
        back = self.measure(
            agent, "PIDPressure", "False", end, lambda: available_pids() > threshold, limit=PROMISE + OURS,
            what="processes ended to PIDPressure False, period 1 s")
        self.check_words(back, "False")
        self.check_everywhere(agent, "PIDPressure", "False")
        # And threads, which count the same, but for less than a second.
        tasks = self.load(self.TASKS)
        watch = Watch(agent, "PIDPressure")
        seen = 0
        for _ in range(15):
            time.sleep(max(0, self.next_reading(agent, "pids") - 0.2 - time.time()))
            tasks.stdin.write("300\n")
            self.assertEqual(tasks.stdout.readline(), "taken\n")
            # On a busy machine the reading may be late, and what lasts for a second counts.
            end = time.monotonic() + 0.5
            while not agent.signal_status("pid.available")["met"] and time.monotonic() < end:
                time.sleep(0.01)
            seen += agent.signal_status("pid.available")["met"]
            tasks.stdin.write("\n")
            self.assertEqual(tasks.stdout.readline(), "given\n")
            if seen == 5:
                break
            time.sleep(0.5)
        self.assertEqual(seen, 5, "readings that saw the dip")
        self.assertEqual(watch.stop(), ["False"])

    # Memory

    MEMORY = """
import mmap, sys
print("ready", flush=True)
for line in sys.stdin:
    size = int(line)
    memory = mmap.mmap(-1, size)
    for start in range(0, size, 64 << 20):
        memory.seek(start)
        memory.write(b"x" * min(64 << 20, size - start))
    print("taken", flush=True)
    sys.stdin.readline()
    memory.close()
    print("given", flush=True)
"""

    def test_memory_that_runs_out(self):
        # Room for what else goes on here meanwhile.
        margin = min(1024 * MIB, available_memory() // 8)
        threshold = available_memory() - margin
        agent = self.agent(
            f"evictionHard: {{memory.available: {threshold}}}\nevictionPressureTransitionPeriod: 1h\n"
            "evictionPressureTransitionPeriods: {MemoryPressure: 1s}\n")
        self.check_words(self.settled(agent, "MemoryPressure"), "False")
        hog = self.load(self.MEMORY)

        def take():
            hog.stdin.write(f"{2 * margin}\n")
            self.assertEqual(hog.stdout.readline(), "taken\n")

        def give():
            hog.stdin.write("\n")
            self.assertEqual(hog.stdout.readline(), "given\n")
        condition = self.measure(
            agent, "MemoryPressure", "True", take, lambda: available_memory() < threshold,
            what="memory taken to MemoryPressure True")
        self.check_words(condition, "True", prefix_only=True)
        self.assertRegex(condition["message"], rf": memory\.available \S+ is below its threshold {threshold}$")
        self.check_everywhere(agent, "MemoryPressure", "True")
        self.assertAlmostEqual(
            agent.signal_status("memory.available")["available"], available_memory(), delta=margin / 2)
        back = self.measure(
            agent, "MemoryPressure", "False", give, lambda: available_memory() > threshold, limit=PROMISE + OURS,
            what="memory released to MemoryPressure False, period 1 s")
        self.check_words(back, "False")
        self.check_everywhere(agent, "MemoryPressure", "False")
