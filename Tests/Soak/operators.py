# SPDX-License-Identifier: Apache-2.0
"""What operators do to a running agent, and a look that it follows: tokens, policy, certificates, configuration, and
now and then a web process that dies."""

import os
import pathlib
import signal
import socket
import ssl
import time

import nodes
from books import Kill
from clients import Client
from support import nodekeep

# The agent looks once a second; the machine is busy.
FOLLOWS = 20


def expect(books, what, condition, seconds=FOLLOWS):
    """Waits for it; what does not come is a failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            books.fail("not followed", f"{what}: not within {seconds} s")
            return False
        time.sleep(0.1)
    books.count(what)
    return True


def status(client, path="/metrics"):
    answer = client.request(path, expected=(200, 401, 403), keep=False)
    return answer and answer.status


def tokens(node, books, ended):
    """A token is made, works, is revoked, and works no more. Whose groups may nothing is forbidden all the same."""
    while not ended.wait(2):
        token, identity = node.token("grafana", "monitoring")
        client = Client(node.main(), books, token=token)
        if expect(books, "tokens made", lambda: status(client) == 200):
            for _ in range(5):
                client.page("/metrics")
        done = nodekeep("token", "revoke", identity, "--file", str(node.tokens))
        if done.returncode != 0:
            books.fail("good command line", f"token revoke: {done.stderr}")
        expect(books, "tokens revoked", lambda: status(client) == 401)
        client.close()


def policies(node, books, ended):
    """A rule comes and goes; in between comes a file that is no policy, and what was in force stays so."""
    sam = Client(node.main(), books, token="csv-sam")
    while not ended.wait(1):
        node.put(node.policy, nodes.POLICY % (nodes.PEER, nodes.SOMETIMES))
        expect(books, "policies replaced", lambda: status(sam) == 200)
        node.put(node.policy, "garbage: [")
        if not ended.wait(2.5) and status(sam) != 200:
            books.fail("not followed", "a broken policy took the place of the good one")
        node.put(node.policy, nodes.POLICY % (nodes.PEER, ""))
        expect(books, "policies replaced", lambda: status(sam) == 403)
    sam.close()


def certificates(node, books, ended):
    """Another pair, which new connections then see; the old connections go on."""
    number = 0
    while not ended.wait(3):
        number = (number + 1) % len(node.world.serving)
        wanted = ssl.PEM_cert_to_DER_cert(node.world.serving[number][0].read_text())
        node.serve_with(number)
        expect(books, "certificates replaced", lambda: shown(node) == wanted)
    # The tickets of all pairs so far are of no use any more, and nobody minds.


def shown(node):
    try:
        with node.main().open() as connection:
            return connection.getpeercert(binary_form=True)
    except OSError:
        return None


def configurations(node, books, ended):
    while not ended.wait(15):
        offset = node.log.stat().st_size
        node.read_again()
        expect(books, "configurations read again", lambda: says(node, offset, b"the configuration was read again"))


def says(node, offset, words):
    """Whether the log does, from there on."""
    with open(node.log, "rb") as log:
        log.seek(offset)
        return words in log.read()


def kills(node, books, ended, pause=12):
    """SIGKILL to one web process or the other. Whoever was connected to it loses his request, nobody else does."""
    number = 0
    while not ended.wait(pause):
        kind = ["network", "socket"][number % 2]
        number += 1
        pid = node.web_pids().get(kind)
        if pid is None:
            books.fail("not followed", f"there is no {kind} web process to kill")
            continue
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        gone = expect(books, f"{kind} web processes killed", lambda: not is_alive(pid), 10)
        books.killed(Kill(node.name, kind, began, time.monotonic()))
        if gone and kind == "network":
            expect(books, "new web processes that serve", lambda: answers(node.port), 10)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection.recv(1000).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
