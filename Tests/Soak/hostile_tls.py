# SPDX-License-Identifier: Apache-2.0
"""Strangers at the main listener: half handshakes, bad certificates, bad tokens."""

import os
import secrets
import ssl

import hostile
from clients import Main
from held import reset

MALFORMED = [
    "Bearer", "Bearer ", "Bearer  csv-bob", "Basic Ym9iOnB3", "Bearer csv-bobx", "Bearer nkt_0_0",
    "Bearer " + "x" * 7000, "Bearer " + "x" * 9000, "Bearer nkt_bbbbbbbbbbbb_" + "0" * 64, "Bearer \x01",
    "Digest username=bob"]


class Handshake:
    """One that is made by hand, so that it can be left at any point."""

    def __init__(self, target):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = target.context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.connection = target.raw(3)

    def step(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


def half_a_hello(who):
    handshake = Handshake(who.target)
    hello = handshake.step()
    handshake.connection.sendall(hello[: who.chance.randrange(1, len(hello))])
    who.held.hold(handshake.connection, who.chance.uniform(0, 12))


def a_hello_now_and_then(who):
    """A whole record is announced, and comes a byte at a time."""
    handshake = Handshake(who.target)
    handshake.connection.sendall(handshake.step()[:40])
    who.held.hold(handshake.connection, 14, drip=b"\0")


def half_a_handshake(who):
    handshake = Handshake(who.target)
    handshake.connection.sendall(handshake.step())
    handshake.incoming.write(handshake.connection.recv(65_536))
    answer = handshake.step()
    handshake.connection.sendall(answer[: who.chance.randrange(0, max(1, len(answer)))])
    if who.chance.random() < 0.5:
        reset(handshake.connection)
    else:
        who.held.hold(handshake.connection, who.chance.uniform(0, 12))


def a_damaged_handshake(who):
    handshake = Handshake(who.target)
    hello = bytearray(handshake.step())
    for _ in range(who.chance.randrange(1, 10)):
        hello[who.chance.randrange(len(hello))] = who.chance.randrange(256)
    with handshake.connection as connection:
        connection.sendall(bytes(hello))
        connection.settimeout(0.2)
        connection.recv(65_536)


def no_handshake(who):
    with who.target.raw(1) as connection:
        connection.sendall(who.chance.choice([
            os.urandom(2000), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(3000),
            b"\x80\x2e\x01\x03\x01" + bytes(50), b"SSH-2.0-x\r\n"]))
        hostile.read_to_the_end(connection)


def garbage_in_a_session(who):
    """What comes behind a good handshake is no record."""
    with who.open() as connection:
        descriptor = connection.fileno()
        os.write(descriptor, os.urandom(500))
        hostile.read_to_the_end(connection)


def only_a_handshake(who):
    connection = who.open()
    who.chance.choice([reset, lambda each: each.close(), lambda each: who.held.hold(each, 5)])(connection)


def asks(who, authorization=None, target=None):
    """The answer to a request with this field; nobody may be let in."""
    with (target or who.target).open(5) as connection:
        field = f"Authorization: {authorization}\r\n" if authorization is not None else ""
        path = who.chance.choice(["/metrics", "/status", "/configz", "/checkpoints/jobs"])
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n{field}Connection: close\r\n\r\n".encode())
        answer = hostile.read_to_the_end(connection)
    status = answer[9:12]
    if answer and status not in (b"400", b"401", b"403", b"431", b"500", b"503"):
        who.books.fail("stranger let in", f"{authorization or 'nothing'}: {answer[:120]!r}")
    return status


def a_malformed_token(who):
    asks(who, who.chance.choice(MALFORMED))


def a_guessed_token(who):
    asks(who, "Bearer " + who.chance.choice(["", "nkt_", "csv-", "hook-"]) + secrets.token_hex(20))


def a_token_that_upsets_the_webhook(who):
    kind = who.chance.choice(["garbage", "error", "cut", "lying", "megabytes"])
    asks(who, f"Bearer hook-{kind}-{secrets.token_hex(4)}")


def a_token_that_takes_long(who):
    """The caller does not wait for the end of it."""
    connection = who.open()
    connection.sendall(
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hook-slow-{secrets.token_hex(4)}\r\n\r\n".encode())
    who.held.hold(connection, who.chance.uniform(0, 6))


def bad_certificates(world, node):
    """An act for each of the certificates that must not be believed."""
    targets = [Main(node.name, node.main_port, world.servers.certificate, pair) for pair in world.bad_pairs.values()]

    def a_bad_certificate(who):
        asks(who, target=who.chance.choice(targets))

    return a_bad_certificate


AT_TLS = [half_a_hello, half_a_hello, a_hello_now_and_then, half_a_handshake, half_a_handshake, a_damaged_handshake,
          no_handshake, garbage_in_a_session, only_a_handshake]
WITH_TOKENS = [a_malformed_token, a_guessed_token, a_guessed_token]
# Fewer of them: each keeps one of the places for look-ups for as long as the API server takes, with all tries.
WITH_THE_WEBHOOK = [a_token_that_upsets_the_webhook, a_token_that_takes_long]
