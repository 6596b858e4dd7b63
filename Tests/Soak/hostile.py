# SPDX-License-Identifier: Apache-2.0
"""Strangers who speak HTTP, or almost: what each of them does, and a look that nobody is let in by it."""

import os
import socket
import time

from held import reset

SHAPES = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: +5", b"Content-Length: 0x5", b"Content-Length: -1", b"Content-Length: 18446744073709551616",
    b"X: y\r\n Content-Length: 5", b"X: a\rb", b"X: a\0b", b"X(a): b", b" X: first", b"Host: other",
    b"Content-Length: 99999999",
]
METHODS = [b"get", b"CONNECT", b"PROPFIND", b"F(O)", b"\xff\xfe", b"G" * 5000]
TARGETS = [b"*", b"http://evil/livez", b"livez", b"/\x1b[2J", b"?", b"/livez%", b"/%2e%2e/%2e%2e/etc/passwd"]


class Stranger:
    """Where he goes. His `credential` is a good one, so that what he smuggles would be answered."""

    def __init__(self, target, books, held, chance, credential=b""):
        self.target, self.books, self.held, self.chance = target, books, held, chance
        self.fields = b"Host: localhost\r\n" + (b"Authorization: Bearer " + credential + b"\r\n" if credential else b"")

    def open(self):
        return self.target.open(3)

    def request(self, line=b"GET /livez HTTP/1.1", more=b""):
        return line + b"\r\n" + self.fields + more + b"\r\n"

    def refused(self, data):
        """What is sent gets no good answer, and neither does what comes behind it."""
        with self.open() as connection:
            try:
                connection.sendall(data + self.request(b"GET /livez?follower HTTP/1.1"))
            except OSError:
                pass
            answer = read_to_the_end(connection)
        if b"HTTP/1.1 2" in answer:
            self.books.fail("stranger let in", f"{self.target.name} {data[:80]!r}: {answer[:120]!r}")


def read_to_the_end(connection, limit=1 << 20):
    parts, size = [], 0
    while size < limit:
        try:
            part = connection.recv(65_536)
        except (OSError, ValueError):
            break
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def half_a_request(who):
    whole = who.request(more=b"X: y\r\n" * 20)
    connection = who.open()
    connection.sendall(whole[: who.chance.randrange(0, len(whole) - 1)])
    who.held.hold(connection, who.chance.uniform(0, 12))


def a_byte_now_and_then(who):
    connection = who.open()
    begin = who.chance.choice([b"", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ",
                               who.request(b"POST /livez HTTP/1.1", b"Content-Length: 100\r\n")])
    connection.sendall(begin)
    who.held.hold(connection, 14, drip=b"a")


def smuggled(who):
    shape = who.chance.choice(SHAPES)
    who.refused(who.request(b"POST /livez HTTP/1.1", shape + b"\r\n") + b"0\r\n\r\n")


def absurd(who):
    if who.chance.random() < 0.5:
        who.refused(who.request(who.chance.choice(METHODS) + b" /livez HTTP/1.1"))
    else:
        who.refused(who.request(b"GET " + who.chance.choice(TARGETS) + b" HTTP/1.1", b"X: a\0b\r\n"))


def giant(who):
    who.refused(who.request(more=who.chance.choice([
        b"X: " + b"a" * 100_000 + b"\r\n", b"X: y\r\n" * 200, b"Cookie: " + b"c" * 20_000 + b"\r\n"])))


def noise(who):
    with who.open() as connection:
        connection.sendall(os.urandom(who.chance.randrange(1, 4000)) + b"\r\n\r\n")


def a_post_that_ends_early(who):
    connection = who.open()
    line = who.chance.choice([b"POST /livez HTTP/1.1", b"POST /checkpoint/default/nobody/c HTTP/1.1"])
    connection.sendall(who.request(line, b"Content-Length: 4096\r\n") + b"x" * who.chance.randrange(0, 4000))
    who.chance.choice([reset, socket.socket.close])(connection)


def gone_at_once(who):
    connection = who.open()
    connection.sendall(who.request(who.chance.choice([
        b"GET /status HTTP/1.1", b"GET /status?gone HTTP/1.1", b"POST /checkpoint/default/nobody/c HTTP/1.1"])))
    if who.chance.random() < 0.5:
        time.sleep(who.chance.uniform(0, 0.02))
    who.chance.choice([reset, socket.socket.close])(connection)


def never_reads(who):
    connection = who.open()
    connection.setblocking(False)
    try:
        connection.send(who.request(b"GET /status HTTP/1.1") * 50)
    except OSError:
        pass
    who.held.hold(connection, 5, reads=False)


def closes_its_half(who):
    with who.open() as connection:
        connection.sendall(who.request(b"GET /livez?verbose HTTP/1.1"))
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return
        read_to_the_end(connection)


# With all that is held, fewer than a listener takes: where it has to make room, also somebody good may have to go who has
# connected and not yet said a word.
FLOOD = 150


def flood(who, number=FLOOD, seconds=1.5):
    """More connections than are good for anybody, over a while."""
    connections = []
    try:
        for index in range(number):
            connection = who.target.raw(3)
            connections.append(connection)
            if index % 3 == 0:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: loc" if who.target.name != "TLS" else b"\x16\x03\x01")
            time.sleep(seconds / number)
    finally:
        for connection in connections:
            connection.close()


PLAIN = [half_a_request, half_a_request, a_byte_now_and_then, smuggled, smuggled, absurd, giant, noise,
         a_post_that_ends_early, gone_at_once, gone_at_once, never_reads, closes_its_half]


def annoy(who, acts, per_second, ended):
    """One act after the other, so many a second at most."""
    while not ended.wait(who.chance.uniform(0, 2 / per_second)):
        act = who.chance.choice(acts)
        try:
            act(who)
        except OSError:
            # Refused, reset, timed out: what strangers get.
            who.books.count("strangers cut off")
        who.books.count(f"stranger: {act.__name__.replace('_', ' ')}")


def flood_now_and_then(who, ended, pause=8):
    while not ended.wait(pause):
        try:
            flood(who)
        except OSError:
            who.books.count("strangers cut off")
        who.books.count(f"stranger: flood of {FLOOD} connections")
