# SPDX-License-Identifier: Apache-2.0
"""Checkpoints all the while, asked for in every way there is, and each archive read as soon as it has its name."""

import dataclasses
import itertools
import json
import pathlib
import random
import subprocess
import time

from archives import Archive
from books import Loss
from clients import Client
from held import reset
from support import NODEKEEP, wait_for

# Some archives stay, so that they are looked at once more at the end, with their records.
KEEPS_EVERY = 20


@dataclasses.dataclass
class Attempt:
    """A call that had an answer. `name` is what the caller called it, in the User-Agent."""

    name: str
    status: int
    job: str = None
    body: str = ""


class Dumps:
    def __init__(self, node, books):
        self.node, self.books = node, books
        self.attempts = []
        self.left = set()  # the names of those who hung up
        self.archives = {}  # names of what was read, with their jobs
        self.kept = set()
        self.numbers = itertools.count(1)

    def name(self, who):
        return f"soak-{self.node.name}-{who}-{next(self.numbers)}"

    # Callers.

    def call(self, client, who, container, expected):
        name = self.name(who)
        answer = client.request(
            f"/checkpoint/{container.path}?request={name}&timeout=100", method="POST", expected=expected, keep=False,
            retry=False, headers={"User-Agent": name}, timeout=130, kind="checkpoint")
        if answer is None:
            return
        attempt = Attempt(name, answer.status, answer.job, answer.body.decode(errors="replace"))
        self.attempts.append(attempt)
        self.books.count(f"checkpoint calls, {who}: {answer.status}")
        if answer.status == 200:
            self.promised(attempt)

    def promised(self, attempt):
        """An archive that somebody was told of has its record, and is there or has been read already."""
        (path,) = map(pathlib.Path, json.loads(attempt.body)["items"])
        try:
            record = self.node.record(attempt.job, seconds=0)
            assert (record["outcome"], record["archive"]) == ("published", path.name), record
            assert path.exists() or path.name in self.archives, path
        except Exception as error:  # told with all the others
            self.books.fail("promise broken", f"{attempt}: {error!r}")

    def over_http(self, client, who, container, ended, pause, expected=(200, 500)):
        """The runtime may fail to freeze a container on a busy machine: 500 in its own words."""
        while not ended.wait(pause):
            self.call(client, who, container, expected)
        client.close()

    def over_the_command_line(self, container, ended, pause):
        while not ended.wait(pause):
            opened = time.monotonic()
            done = subprocess.run(
                [str(NODEKEEP), "checkpoint", "create", container.path, "--socket", str(self.node.socket), "--timeout",
                 "100"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=130)
            self.books.count(f"checkpoint calls, command line: exit {done.returncode}")
            if done.returncode == 0:
                self.books.count("good command lines")
            elif "rpc error" not in done.stderr:
                self.books.lost(Loss(
                    self.node.name, "socket", f"checkpoint create: {done.stderr}", opened, time.monotonic(), False))

    def hung_up(self, target, container, chance, ended, pause, token=None):
        """Callers who leave: before their turn, in the middle of it, or hardly there."""
        while not ended.wait(chance.uniform(0, 2 * pause)):
            name = self.name("left")
            field = f"Authorization: Bearer {token}\r\n" if token else ""
            try:
                connection = target.open(5)
                connection.sendall(
                    f"POST /checkpoint/{container.path}?request={name} HTTP/1.1\r\nHost: localhost\r\n"
                    f"User-Agent: {name}\r\n{field}\r\n".encode())
                self.left.add(name)
                self.books.count("checkpoint calls, hung up")
                ended.wait(chance.uniform(0, 0.4))
                if chance.random() < 0.5:
                    reset(connection)
                else:
                    connection.close()
            except OSError:
                self.books.count("strangers cut off")

    # Archives.

    def read_archives(self, ended):
        """Until it is over, and then those that are there."""
        while True:
            is_last = ended.is_set()
            for path in [path for path in self.node.archives() if path.name not in self.kept]:
                try:
                    self.read(path)
                except Exception as error:  # told with all the others
                    self.books.fail("bad archive", f"{path.name}: {error!r}")
                    self.kept.add(path.name)
                    continue
                if len(self.archives) % KEEPS_EVERY == 1:
                    self.kept.add(path.name)
                else:
                    path.unlink()
            if is_last:
                return
            ended.wait(0.5)

    def read(self, path):
        archive = Archive(path)
        record = wait_for(lambda: self.record_of(path.name), 60, "a record")
        assert (record["sha256"], record["size"]) == (archive.sha256, archive.size), record
        assert archive.container_id() == record["request"]["container"]["containerID"], path
        self.archives[path.name] = record["request"]["id"]
        self.books.count("archives read")

    def record_of(self, name):
        """Only records that are not known yet are opened."""
        known = set(self.archives.values())
        for path in (self.node.private / "records").glob("*.json"):
            if path.stem not in known:
                record = json.loads(path.read_text())
                if record.get("archive") == name:
                    return record
        return None

    def workers(self, ended):
        """(function, arguments) of each."""
        node, books, chance = self.node, self.books, random.Random(node_seed(self.node))
        first, second = node.containers
        return [
            (self.over_http, Client(node.local, books), "root", first, ended, 3),
            (self.over_http, Client(node.main(node.world.alice), books), "alice", second, ended, 4),
            (self.over_http, Client(node.main(), books, token="hook-carol"), "carol", first, ended, 7),
            (self.over_http, Client(node.main(node.world.stranger), books), "mallory", second, ended, 2, (403,)),
            (self.over_http, Client(node.main(), books), "nobody", second, ended, 2, (401,)),
            (self.over_the_command_line, second, ended, 6),
            (self.hung_up, node.local, first, chance, ended, 3),
            (self.hung_up, node.main(), second, chance, ended, 5, "hook-carol"),
        ]


def node_seed(node):
    return sum(node.name.encode())
