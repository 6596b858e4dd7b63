# SPDX-License-Identifier: Apache-2.0
"""A bare client of a container runtime: CRI and containerd's own tasks, over the runtime's socket.

As a program it is the foreign client of the tests, which can be killed:
criclient.py checkpoint SOCKET CONTAINER LOCATION [SECONDS]
"""

import os
import sys

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

RUNTIME, IMAGES = "/runtime.v1.RuntimeService/", "/runtime.v1.ImageService/"
TASKS = "/containerd.services.tasks.v1.Tasks/"
SANDBOX_STATES = ["READY", "NOTREADY"]
CONTAINER_STATES = ["CREATED", "RUNNING", "EXITED", "UNKNOWN"]
TASK_STATES = ["UNKNOWN", "CREATED", "RUNNING", "STOPPED", "PAUSED", "PAUSING"]


def varint(number):
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def message(fields):
    """A protobuf message from {number: value}: int, str, bytes (a message too), a list of them, a map of strings."""
    parts = []
    for number, value in fields.items():
        if value is None:
            continue
        if isinstance(value, dict):
            value = [message({1: key, 2: entry}) for key, entry in value.items()]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                parts += [varint(number << 3), varint(int(item))]
            else:
                data = item.encode() if isinstance(item, str) else item
                parts += [varint(number << 3 | 2), varint(len(data)), data]
    return b"".join(parts)


class Fields:
    """A received message: every field is the list of its values."""

    def __init__(self, data):
        self.values = {}
        self.data, self.at = data, 0
        while self.at < len(data):
            key = self.read_varint()
            self.values.setdefault(key >> 3, []).append(self.read_value(key & 7))

    def read_varint(self):
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def read_value(self, kind):
        if kind == 0:
            return self.read_varint()
        size = {1: 8, 5: 4}[kind] if kind != 2 else self.read_varint()
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, field):
        return self.values.get(field, [0])[-1]

    def text(self, field):
        return self.values.get(field, [b""])[-1].decode()

    def nested(self, field):
        return Fields(self.values.get(field, [b""])[-1])

    def all(self, field):
        return [Fields(value) for value in self.values.get(field, [])]

    def map(self, field):
        return {entry.text(1): entry.text(2) for entry in self.all(field)}


class Runtime:
    """One connection per call: whatever the tests do to the runtime, the next call finds the new one."""

    def __init__(self, socket):
        self.socket = str(socket)

    def call(self, method, fields=None, timeout=30, namespace=None):
        options = [("grpc.default_authority", "localhost"), ("grpc.max_receive_message_length", 16 << 20)]
        with grpc.insecure_channel("unix://" + self.socket, options=options) as channel:
            metadata = [("containerd-namespace", namespace)] if namespace else None
            unary = channel.unary_unary(method, request_serializer=bytes, response_deserializer=Fields)
            return unary(message(fields or {}), timeout=timeout, metadata=metadata)

    def version(self, timeout=2):
        answer = self.call(RUNTIME + "Version", {1: "0.1.0"}, timeout)
        return answer.text(2), answer.text(3)

    def images(self):
        return [tag.decode() for image in self.call(IMAGES + "ListImages").all(1) for tag in image.values.get(2, [])]

    def pull(self, reference):
        return self.call(IMAGES + "PullImage", {1: message({1: reference})}).text(1)

    def run_pod(self, config):
        return self.call(RUNTIME + "RunPodSandbox", {1: config}).text(1)

    def stop_pod(self, sandbox):
        self.call(RUNTIME + "StopPodSandbox", {1: sandbox})

    def remove_pod(self, sandbox):
        self.call(RUNTIME + "RemovePodSandbox", {1: sandbox})

    def create_container(self, sandbox, config, sandbox_config):
        return self.call(RUNTIME + "CreateContainer", {1: sandbox, 2: config, 3: sandbox_config}).text(1)

    def start_container(self, container):
        self.call(RUNTIME + "StartContainer", {1: container}, timeout=60)

    def stop_container(self, container, timeout=0):
        self.call(RUNTIME + "StopContainer", {1: container, 2: timeout})

    def remove_container(self, container):
        self.call(RUNTIME + "RemoveContainer", {1: container})

    def container_state(self, container):
        status = self.call(RUNTIME + "ContainerStatus", {1: container}).nested(1)
        return CONTAINER_STATES[status.number(3)]

    def checkpoint(self, container, location, deadline=None):
        """The bare call. A deadline is the call's own: it can leave the container frozen."""
        self.call(RUNTIME + "CheckpointContainer", {1: container, 2: str(location)}, timeout=deadline)

    def task(self, container, timeout=30):
        """(process id, state), as containerd's task service has it."""
        process = self.call(TASKS + "Get", {1: container}, timeout, "k8s.io").nested(1)
        return process.number(3), TASK_STATES[process.number(4)]

    def pause(self, container):
        self.call(TASKS + "Pause", {1: container}, namespace="k8s.io")

    def resume(self, container):
        self.call(TASKS + "Resume", {1: container}, namespace="k8s.io")


def main():
    if len(sys.argv) not in (5, 6) or sys.argv[1] != "checkpoint":
        sys.exit(__doc__)
    try:
        Runtime(sys.argv[2]).checkpoint(sys.argv[3], sys.argv[4], float(sys.argv[5]) if len(sys.argv) == 6 else None)
    except grpc.RpcError as error:
        sys.exit(f"rpc error: code = {error.code().name} desc = {error.details()}")


if __name__ == "__main__":
    main()
