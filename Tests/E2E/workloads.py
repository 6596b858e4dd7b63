# SPDX-License-Identifier: Apache-2.0
"""Pods and containers in a bed, made as a kubelet makes them, and what can be seen of them."""

import itertools
import pathlib
import time
import uuid

import grpc

import cgroups
import images
from criclient import message
from support import wait_for

COUNTING = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"]
# A large file that is open and has no name any more: CRIU takes along those of a megabyte at most.
UNDUMPABLE = ["sh", "-c", "exec 9>/ghost; head -c 3000000 /dev/zero >&9; rm /ghost; "
              "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"]
# The node's own network, so that no CNI is needed, and processes of its own for each container.
NAMESPACES = message({1: 2, 2: 1})
_numbers = itertools.count(1)


def criu_gave_up(seconds, text):
    """Whether the runtime's refusal says that CRIU could not freeze the container within ten seconds, which the freezer
    of cgroup version 1 now and then needs for one that starts processes all the time. Then it may be asked again."""
    return seconds >= 10 and "criu failed: type DUMP" in text


def filling(megabytes, milliseconds=50):
    """Memory, and a number that grows as with COUNTING. It starts no processes, so CRIU does not give it up."""
    return ["filler", str(megabytes), str(milliseconds)]


class Pod:
    """A sandbox. The same `name` and `uid` with another `attempt` is another sandbox of the same pod."""

    def __init__(self, bed, name=None, namespace="default", uid=None, attempt=0):
        self.bed, self.namespace, self.attempt = bed, namespace, attempt
        self.name = name or f"pod{next(_numbers)}"
        self.uid = uid or str(uuid.uuid4())
        self.containers = []
        self.logs = bed.logs / f"{self.uid}_{attempt}"
        self.logs.mkdir(exist_ok=True)
        self.labels = {
            "io.kubernetes.pod.name": self.name, "io.kubernetes.pod.namespace": namespace,
            "io.kubernetes.pod.uid": self.uid}
        self.config = message({
            1: message({1: self.name, 2: self.uid, 3: namespace, 4: attempt}), 3: bed.there(self.logs),
            6: self.labels, 8: message({1: "/" + bed.run.pods_cgroup, 2: message({1: NAMESPACES})})})
        self.id = bed.runtime.run_pod(self.config)

    def container(self, name="count", command=COUNTING, image=images.WORKLOAD, attempt=0, start=True, wait=True):
        container = Container(self, name, command, image, attempt)
        self.containers.append(container)
        if start:
            container.start()
            if wait:
                container.wait_until_counting()
        return container

    def path(self, container="count"):
        """As the request names it."""
        return f"{self.namespace}/{self.name}/{container}"

    def stop(self):
        """Ends the containers and the sandbox, which stays in the runtime's lists."""
        for container in self.containers:
            container.thaw()
        self.bed.runtime.stop_pod(self.id)

    def remove(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.stop()
                return self.bed.runtime.remove_pod(self.id)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    return None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


class Container:
    def __init__(self, pod, name, command, image, attempt):
        self.pod, self.name, self.bed = pod, name, pod.bed
        self.log = pod.logs / f"{name}_{attempt}.log"
        self.id = self.bed.runtime.create_container(pod.id, message({
            1: message({1: name, 2: attempt}), 2: message({1: image}), 3: command,
            9: {**pod.labels, "io.kubernetes.container.name": name},
            10: {"io.kubernetes.container.restartCount": str(attempt)}, 11: self.log.name,
            15: message({2: message({3: NAMESPACES})})}), pod.config)
        self.cgroup = cgroups.TREE / self.bed.run.pods_cgroup / self.id

    @property
    def path(self):
        return self.pod.path(self.name)

    def start(self):
        self.bed.runtime.start_container(self.id)
        return self

    def lines(self):
        """What the container has printed: the last 64 KiB of it."""
        try:
            with open(self.log, "rb") as log:
                log.seek(max(0, log.seek(0, 2) - 65_536))
                lines = log.read().decode(errors="replace").split("\n")
        except FileNotFoundError:
            return []
        return [line.split(" ", 3)[3] for line in lines[:-1] if line.count(" ") >= 3]

    def count(self):
        numbers = [int(line) for line in self.lines() if line.isdigit()]
        return numbers[-1] if numbers else 0

    def wait_until_counting(self, seconds=60):
        wait_for(self.count, seconds, f"a first number of {self.path}")
        return self

    def counts_on(self, seconds=10, by=3):
        """Waits until the number has grown; whether memory is what it was is the program's own to say."""
        before = self.count()
        try:
            wait_for(lambda: self.count() >= before + by, seconds, f"{self.path} counting on from {before}")
        except AssertionError as error:
            raise AssertionError(f"{error}: now at {self.count()}, {self.task_status()}, frozen: {self.is_frozen()}") from None
        assert "damaged" not in self.lines(), f"the memory of {self.path} has changed"
        return self.count()

    def stands_still(self, seconds=0.6):
        """Whether the number stays the same for a while."""
        time.sleep(0.2)  # what was printed before is on its way
        before = self.count()
        time.sleep(seconds)
        return self.count() == before

    def state(self):
        return self.bed.runtime.container_state(self.id)

    def pid(self):
        return self.bed.runtime.task(self.id)[0]

    def task_status(self, timeout=5):
        """RUNNING, PAUSED, …, or BUSY while the task does not answer, as under a dump."""
        try:
            return self.bed.runtime.task(self.id, timeout)[1]
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                return "BUSY"
            raise

    def is_frozen(self):
        return cgroups.is_frozen(self.cgroup)

    def pause(self):
        self.bed.runtime.pause(self.id)

    def resume(self):
        self.bed.runtime.resume(self.id)

    def thaw(self):
        try:
            if self.bed.runtime.task(self.id)[1] == "PAUSED":
                self.resume()
        except grpc.RpcError:
            pass

    def stop(self):
        self.thaw()
        self.bed.runtime.stop_container(self.id)

    def remove(self):
        self.bed.runtime.remove_container(self.id)
        self.pod.containers.remove(self)

    def checkpoint(self, location, deadline=None):
        self.bed.runtime.checkpoint(self.id, location, deadline)
        return pathlib.Path(location)
