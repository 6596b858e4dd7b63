# SPDX-License-Identifier: Apache-2.0
"""Runs the built agent on this machine, for the tests beside this file. Standard library only."""

import ctypes
import errno
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NODEKEEP_BUILD", ROOT / "build"))
NODEKEEP = BUILD / "nodekeep"

MONITORING_MAY_GET_METRICS = """
apiVersion: nodekeep/v1
kind: Policy
rules:
  - name: monitoring
    subjects: {groups: [monitoring]}
    verbs: [get]
    endpoints: [metrics]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until `condition` gives something true; fails loudly otherwise. Returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def listening(pid):
    """Of each TCP socket that listens in the network of a process, the columns of proc_net_tcp.txt."""
    lines = [line.split() for kind in ["tcp", "tcp6"]
             for line in pathlib.Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]]
    return [columns for columns in lines if columns[3] == "0A"]


def thread_files(pid, name):
    """A file of /proc of each of a process's threads, by the thread's number; of those that go on."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found[int(task.name)] = (task / name).read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descriptors(pid):
    """What each of a process's descriptors is, but for those that are closed meanwhile."""
    found = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(link))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=5):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Agent:
    """A running `nodekeep serve` with directories and a port of its own."""

    def __init__(self, config="", arguments=(), environment=None, user=None, prefix=(), build=BUILD, wait=True,
                 pass_fds=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-test-"))
        self.port = free_port()
        self.run_directory = self.directory / "run"
        self.state_directory = self.directory / "state"
        self.socket = self.run_directory / "nodekeep.sock"
        self.config = self.directory / "nodekeep.yaml"
        self.config.write_text(config)
        self.log = self.directory / "log"
        if user is not None:
            os.chmod(self.directory, 0o755)
            shutil.chown(self.directory, user)
        self.command = [
            *prefix, str(pathlib.Path(build) / "nodekeep"), "serve", "--config", str(self.config), "--run-dir",
            str(self.run_directory), "--state-dir", str(self.state_directory), "--local-port", str(self.port),
            *arguments,
        ]
        self.options = {
            "user": user, "pass_fds": pass_fds, "env": {"PATH": os.environ["PATH"], **(environment or {})}}
        self.start()
        if wait:
            try:
                self.wait_until_ready()
            except BaseException:
                self.close()
                raise

    def start(self):
        """Starts it, or starts it again with the same directories and port; the log goes on."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.options)

    def wait_until_ready(self, seconds=10):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the agent ended with {self.process.returncode}:\n{self.output()}")
            try:
                return self.get("/readyz", timeout=1).status == 200
            except OSError:
                return False
        wait_for(ready, seconds, f"ready\n{self.output()}")

    def output(self):
        return self.log.read_text(errors="replace")

    def connection(self, timeout=5):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path, headers=None, method="GET", timeout=5, unix=False):
        connection = UnixConnection(self.socket, timeout) if unix else self.connection(timeout)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            response.body = response.read()
            return response
        finally:
            connection.close()

    def json(self, path, **options):
        response = self.get(path, **options)
        assert response.status == 200, (response.status, response.body)
        return json.loads(response.body)

    def web_pid(self):
        """The web process that serves the network, or None."""
        return self.web_pids().get("network")

    def web_pids(self):
        """The web processes: of the "network", and while it is used that of the "socket".

        One that has just been started has no listener yet, one that is ending has none any more.
        """
        agent = self.agent_pid()

        unix = pathlib.Path(f"/proc/{agent}/net/unix").read_text().splitlines()[1:]
        listeners = {
            "socket": {f"socket:[{fields[6]}]" for fields in map(str.split, unix) if fields[-1] == str(self.socket)},
            "network": {f"socket:[{fields[9]}]" for fields in listening(agent)}}
        found = {}
        gone = (FileNotFoundError, ProcessLookupError)
        for task in pathlib.Path(f"/proc/{agent}/task").iterdir():
            try:
                children = (task / "children").read_text().split()
            except gone:  # a thread that has just ended
                continue
            for pid in children:
                try:
                    if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "nodekeep-web":
                        links = set(descriptors(pid))
                        found |= {slot: int(pid) for slot, sockets in listeners.items() if links & sockets}
                except gone:
                    pass
        return found

    def agent_pid(self):
        """The agent itself, where a prefix such as unshare stands before it and forks."""
        pid = self.process.pid
        while pathlib.Path(f"/proc/{pid}/comm").read_text().strip() != "nodekeep":
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if not children:
                break
            pid = int(children[0])
        return pid

    def signal(self, number):
        os.kill(self.agent_pid(), number)

    def condition(self, kind):
        for condition in self.json("/node")["status"]["conditions"]:
            if condition["type"] == kind:
                return condition
        raise AssertionError(f"no condition {kind}")

    def signal_status(self, name):
        for entry in self.json("/status")["signals"]:
            if entry["signal"] == name:
                return entry
        raise AssertionError(f"no signal {name}")

    def collector(self, name):
        for entry in self.json("/status")["collectors"]:
            if entry["name"] == name:
                return entry
        raise AssertionError(f"no source {name}")

    def metrics(self):
        """Every sample of `/metrics` by its name and labels, as they stand there."""
        text = self.get("/metrics").body.decode()
        return {name: float(value) for name, value in re.findall(r"^(\w\S*(?:\{.*\})?) (\S+)$", text, re.M)}

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class AgentTest(unittest.TestCase):
    """A test case whose agents are closed whatever happens."""

    maxDiff = None

    def agent(self, *arguments, **options):
        agent = Agent(*arguments, **options)
        self.addCleanup(agent.close)
        return agent


def nodekeep(*arguments, environment=None, user=None, timeout=30):
    """Runs a command of nodekeep to its end."""
    return subprocess.run(
        [str(NODEKEEP), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
        env={"PATH": os.environ["PATH"], **(environment or {})}, user=user)


def forgotten_job(job, endpoint):
    """The request of a job that was accepted long ago, for a container that is not there any more."""
    return json.dumps({
        "version": 1, "id": job, "acceptedAt": "2026-11-21T06:12:33.000000000Z",
        "container": {"namespace": "shop", "pod": "web-0", "podUID": "u", "container": "app", "containerID": "c" * 64,
                      "sandboxID": "d" * 64, "attempt": 0, "image": "i"},
        "requester": {"user": "root", "authenticatedBy": "peer", "from": "pid 1"},
        "runtimeEndpoint": endpoint})


# unshare(1) in front of a command: mounts made there are gone with the last process.
PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "private")


def within_mounts_of(pid):
    """What to put in front of a command that is to run in the mount namespace of a process."""
    return ("nsenter", f"--mount=/proc/{pid}/ns/mnt")


class FileSystemServer:
    """A FUSE file system served by this process: an empty directory whose size and free space are what we say.

    It answers until it is told to hang. The descriptor is ours: when it is closed, or this process ends in whatever
    way, the kernel fails every call to the file system, so nothing can stay stuck.
    """

    INIT, GETATTR, STATFS, FORGET, INTERRUPT, BATCH_FORGET = 26, 3, 17, 2, 36, 42
    BLOCK = 4096

    def __init__(self, blocks=25_600, available=25_600):
        self.blocks = blocks
        self.available = available
        self.descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self.answering = threading.Event()
        self.is_closed = False
        # Read and not answered: then a caller cannot even be killed.
        self.swallows = False
        self.swallowed = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        waiting = select.poll()
        waiting.register(self.descriptor, select.POLLIN)
        while True:
            self.answering.wait()
            if self.is_closed:
                break
            try:
                # Not blocking: a call under way would keep the connection open beyond its end.
                ready = waiting.poll(20)
                request = os.read(self.descriptor, 0x21000) if ready and self.answering.is_set() else None
            except OSError as error:
                if error.errno == errno.ENODEV:
                    break  # unmounted
                time.sleep(0.01)  # EPERM: not mounted yet
                continue
            if request is None:
                continue
            if self.swallows:
                self.swallowed.append(request)
            else:
                self.answer(request)
        os.close(self.descriptor)

    def answer(self, request):
        _, opcode, unique = struct.unpack_from("=IIQ", request)
        body, error = b"", 0
        if opcode == self.INIT:
            body = struct.pack("=IIIIHHIIHHI28x", 7, 31, 65_536, 0, 12, 9, 65_536, 1, 0, 0, 0)
        elif opcode == self.GETATTR:
            now = int(time.time())
            body = struct.pack(
                "=QII QQQQQQ IIIIIIIIII", 0, 0, 0, 1, 0, 0, now, now, now, 0, 0, 0, 0o40755, 2, 0, 0, 0, self.BLOCK, 0)
        elif opcode == self.STATFS:
            body = struct.pack(
                "=QQQQQIIIIIIIIII", self.blocks, self.available, self.available, 1000, 900, self.BLOCK, 255, self.BLOCK,
                *[0] * 7)
        elif opcode in (self.FORGET, self.INTERRUPT, self.BATCH_FORGET):
            return
        else:
            error = -errno.ENOSYS
        try:
            os.write(self.descriptor, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
        except OSError:
            pass  # the caller has given up

    def start(self):
        self.answering.set()
        return self

    def hang(self):
        """From now on no request is even read."""
        self.answering.clear()

    def swallow(self):
        """Requests are read, but nobody ever answers them."""
        self.swallows = True
        self.answering.set()

    def resume(self):
        self.swallows = False
        waiting, self.swallowed = self.swallowed, []
        for request in waiting:
            self.answer(request)
        self.answering.set()

    def mount_command(self, point, source="server", kind="fuse.test"):
        """Mounts it at `point`: to be run with `descriptor` passed on."""
        return (sys.executable, __file__, "mount-fuse", str(self.descriptor), str(point), source, kind)

    def close(self):
        self.is_closed = True
        self.answering.set()
        self.thread.join(5)


def mount_fuse(descriptor, point, source, kind):
    library = ctypes.CDLL(None, use_errno=True)
    data = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
    if library.mount(source.encode(), point.encode(), kind.encode(), 6, data.encode()) != 0:  # nosuid, nodev
        sys.exit(f"mount {point}: {os.strerror(ctypes.get_errno())}")


def main():
    """support.py mount-fuse DESCRIPTOR POINT SOURCE TYPE [mount-fuse …] [-- COMMAND …]"""
    words = sys.argv[1:]
    while words[:1] == ["mount-fuse"]:
        mount_fuse(int(words[1]), *words[2:5])
        os.set_inheritable(int(words[1]), False)
        words = words[5:]
    if words[:1] == ["--"]:
        os.execvp(words[1], words[1:])


if __name__ == "__main__":
    main()
