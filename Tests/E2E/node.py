# SPDX-License-Identifier: Apache-2.0
"""nodekeep on the machine beside a bed: the built agent, what it is asked, and what it leaves on disk."""

import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import bed as beds
import cgroups
from archives import NAME, Archive
from support import NODEKEEP, Agent, UnixConnection, wait_for
from workloads import Pod, criu_gave_up

JOB = re.compile(r"\d{8}t\d{6}-[0-9a-f]{8}")


def port_is_free(port):
    """Whether nobody listens there any more: connections that are left do not matter."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Answer:
    def __init__(self, response, seconds):
        self.status, self.headers, self.seconds = response.status, response.headers, seconds
        self.body = response.read().decode(errors="replace")

    @property
    def job(self):
        return self.headers["nodekeep-job"]

    @property
    def path(self):
        """Of the only archive that it names."""
        (path,) = json.loads(self.body)["items"]
        return pathlib.Path(path)

    def __repr__(self):
        return f"<{self.status} {self.body!r} after {self.seconds:.2f} s, job {self.job}>"


class Node(Agent):
    """The agent with a checkpoints directory of its own, or a given one."""

    def __init__(self, bed, checkpoints=None, config="", **options):
        self.bed = bed
        home = pathlib.Path(tempfile.mkdtemp(prefix="node-", dir=bed.run.directory))
        self.checkpoints = pathlib.Path(checkpoints or home / "checkpoints")
        self.private = self.checkpoints / ".nodekeep"
        (home / "kubelet").mkdir()
        if "evictionHard" not in config:
            # The usual shares of the machine's own disk are not what most tests are about.
            config += "evictionHard: {nodefs.available: 1%, imagefs.available: 1%, memory.available: 100Mi}\n"
        super().__init__(
            f"containerRuntimeEndpoint: unix://{bed.socket}\nrootDir: {home}/kubelet\n"
            f"checkpointDirectory: {self.checkpoints}\n{config}", **options)

    def web_pid(self):
        """The web process that these tests speak to."""
        pids = self.web_pids()
        return pids.get("socket") or pids.get("network")

    # What it is asked.

    def post(self, path, *arguments, **options):
        """The answer; asked again where CRIU gave up."""
        for _ in range(3):
            answer = self.post_once(path, *arguments, **options)
            if answer.status != 500 or not criu_gave_up(answer.seconds, answer.body):
                break
            print(f"asked again after {answer} … ", end="", flush=True)
        return answer

    def post_once(self, path, query="timeout=60", timeout=90, body=None, method="POST"):
        """`path` is NAMESPACE/POD/CONTAINER, sent as it is; the query should bound the wait."""
        connection = UnixConnection(self.socket, timeout)
        started = time.monotonic()
        try:
            connection.request(method, f"/checkpoint/{path}" + (f"?{query}" if query else ""), body=body)
            return Answer(connection.getresponse(), time.monotonic() - started)
        finally:
            connection.close()

    def post_later(self, path, query="timeout=60", **options):
        return Later(lambda: self.post(path, query, **options))

    def hang_up(self, path, query=""):
        """Sends the request and returns what closes the connection under it."""
        connection = UnixConnection(self.socket, 5)
        connection.request("POST", f"/checkpoint/{path}" + (f"?{query}" if query else ""))
        return connection.close

    def raw(self, data, timeout=10):
        """Bytes as they are; gives what comes back before the other side closes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self.socket))
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            try:
                while part := connection.recv(65_536):
                    parts.append(part)
            except ConnectionResetError:
                pass
            return b"".join(parts)

    def jobs(self):
        return self.json("/checkpoints/jobs", unix=True)["items"]

    def status(self):
        return self.json("/status", unix=True)

    def cli(self, *words, timeout=60):
        """`nodekeep checkpoint …` over this agent's socket; asked again as in `post`."""
        for _ in range(3):
            started = time.monotonic()
            done = subprocess.run(
                [str(NODEKEEP), "checkpoint", *words, "--socket", str(self.socket)], stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=timeout, env={"PATH": os.environ["PATH"]})
            if done.returncode == 0 or not criu_gave_up(time.monotonic() - started, done.stdout + done.stderr):
                break
            print(f"asked again after {done} … ", end="", flush=True)
        return done

    def recover(self, timeout=60):
        return subprocess.run(
            [str(NODEKEEP), "recover", "--config", str(self.config)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=timeout, env={"PATH": os.environ["PATH"]})

    # What it leaves on disk.

    def archives(self):
        """Everything beside our own directory."""
        try:
            return sorted(path for path in self.checkpoints.iterdir() if path != self.private)
        except FileNotFoundError:
            return []

    def records(self):
        found = {}
        for path in (self.private / "records").glob("*.json"):
            found[path.stem] = json.loads(path.read_text())
        return found

    def record(self, job, seconds=30):
        path = self.private / "records" / f"{job}.json"
        wait_for(path.exists, seconds, f"the record of {job}\n{self.output()[-3000:]}")
        return json.loads(path.read_text())

    def unfinished(self):
        """The ids of the job directories."""
        try:
            return sorted(path.name for path in self.private.iterdir() if JOB.fullmatch(path.name))
        except FileNotFoundError:
            return []

    def phase(self, job):
        try:
            return json.loads((self.private / job / "progress.json").read_text())["phase"]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def wait_for_phase(self, phase, seconds=30):
        """The id of a job that is in the phase."""
        return wait_for(
            lambda: next((job for job in self.unfinished() if self.phase(job) == phase), None), seconds,
            f"a job {phase}\n{self.output()[-3000:]}")

    def dumps(self):
        """{job: process id} of the dump processes of this checkpoints directory: nobody else has its path."""
        found = {}
        for pid in cgroups.processes(self.bed.run.name):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            for word, next_word in itertools.pairwise(words):
                if word == "dump" and next_word.startswith(f"{self.private}/"):
                    found[pathlib.Path(next_word).name] = pid
        return found

    def wait_until_idle(self, seconds=60):
        wait_for(lambda: not self.unfinished() and not self.dumps(), seconds,
                 f"no job left\n{self.output()[-3000:]}")

    def kill(self):
        """SIGKILL to the agent; its web process goes with it, its dumps do not."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def restart(self):
        """After its end, which its web process learns of a moment later."""
        wait_for(lambda: port_is_free(self.port), 5, "the end of its web process")
        self.start()
        self.wait_until_ready()

    def check(self, verified=(), frozen=False):
        """What must hold whatever has happened, once nothing is under way. Gives the archives by name.

        `verified` are names of archives that the test has looked at and removed itself.
        """
        # The record is there first, then the directory goes.
        wait_for(lambda: not self.unfinished(), 5, "no job directory left")
        records = self.records()
        published = {record["archive"]: record for record in records.values() if record["outcome"] == "published"}
        assert len(published) == sum(record["outcome"] == "published" for record in records.values()), "shared archives"
        archives = {}
        for path in self.archives():
            assert NAME.fullmatch(path.name), f"{path.name} in the checkpoints directory"
            archive = archives[path.name] = Archive(path)
            record = published.get(path.name)
            assert record, f"{path.name} without a record"
            assert (record["sha256"], record["size"]) == (archive.sha256, archive.size), path.name
            assert archive.container_id() == record["request"]["container"]["containerID"], path.name
        missing = set(published) - set(archives) - set(verified)
        assert not missing, f"records of archives that are not there: {missing}"
        if not frozen:
            assert not self.bed.frozen(), self.bed.frozen()
        return archives

    def close(self):
        super().close()
        # A dump goes on without the agent; here it has nobody to finish for.
        for pid in self.dumps().values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Later:
    """A call on a thread of its own."""

    def __init__(self, work):
        self.result = self.error = None
        self.thread = threading.Thread(target=self.run, args=(work,), daemon=True)
        self.thread.start()

    def run(self, work):
        try:
            self.result = work()
        except Exception as error:  # handed to whoever asks
            self.error = error

    def is_done(self):
        return not self.thread.is_alive()

    def get(self, seconds=120):
        self.thread.join(seconds)
        assert self.is_done(), f"no answer within {seconds} s"
        if self.error:
            raise self.error
        return self.result


class NodeTest(unittest.TestCase):
    """A bed that works, an agent and pods that go with the test, and no frozen container left behind."""

    KIND = "new"
    maxDiff = None

    def setUp(self):
        self.bed = beds.shared(self.KIND)
        # What a failed test has left frozen is not this one's doing.
        cgroups.thaw(self.bed.run.pods_cgroup)

    def node(self, *arguments, **options):
        node = Node(self.bed, *arguments, **options)
        self.addCleanup(node.close)
        return node

    def pod(self, *arguments, **options):
        pod = Pod(self.bed, *arguments, **options)
        self.addCleanup(pod.remove)
        return pod

    def assertStatus(self, answer, *statuses):
        self.assertIn(answer.status, statuses, answer)

    def assertFailure(self, answer, container, *statuses):
        """The kubelet's frame around what went wrong."""
        self.assertStatus(answer, *statuses)
        self.assertRegex(answer.body, rf"^checkpointing of {re.escape(container.path)} failed \((?s:.+)\)\n?$")
        self.assertIn("text/plain", answer.headers["Content-Type"])
