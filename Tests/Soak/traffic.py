# SPDX-License-Identifier: Apache-2.0
"""Everybody at once, for as long as it is told: people, operators, strangers, checkpoints."""

import contextlib
import pathlib
import random
import subprocess
import sys
import threading

import good
import hostile
import hostile_tls
import operators
from held import Held
from hostile import Stranger
from nodes import PEER

HERE = pathlib.Path(__file__).resolve().parent


class Traffic:
    def __init__(self, nodes, dumps, books, seed):
        self.nodes, self.dumps, self.books = nodes, dumps, books
        self.chance = random.Random(seed)

    def strangers(self, node, held, ended):
        """(function, arguments) of each. Those who come with a credential know one that is good for metrics."""
        def who(target, credential=b""):
            return Stranger(target, self.books, held, random.Random(self.chance.random()), credential)

        main = node.main()
        acts = [hostile_tls.bad_certificates(node.world, node), *hostile_tls.WITH_TOKENS]
        return [
            (hostile.annoy, who(node.loopback), hostile.PLAIN, 8, ended),
            (hostile.annoy, who(node.local), hostile.PLAIN, 5, ended),
            (hostile.annoy, who(main, b"csv-bob"), hostile.PLAIN, 5, ended),
            (hostile.annoy, who(main), hostile_tls.AT_TLS, 8, ended),
            (hostile.annoy, who(main), acts, 8, ended),
            (hostile.annoy, who(main), hostile_tls.WITH_THE_WEBHOOK, 0.5, ended),
            (hostile.flood_now_and_then, who(node.loopback), ended, 11),
            (hostile.flood_now_and_then, who(main), ended, 13),
            (hostile.flood_now_and_then, who(node.local), ended, 17),
        ]

    def operators(self, node, ended):
        found = [operators.tokens, operators.certificates, operators.configurations]
        if node.name == "policy":
            found.append(operators.policies)
        return [(work, node, self.books, ended) for work in found]

    def run(self, seconds, kills=None):
        """`kills` is the node whose web processes die now and then. The kills end before the rest does, so that what is
        measured afterwards has worked for a while."""
        ended, killed = threading.Event(), threading.Event()
        work, peers, shelves = [], [], []
        for node, dumps in zip(self.nodes, self.dumps):
            held = [Held() for _ in range(3)]
            shelves += held
            work += good.workers(node, self.books, ended) + self.operators(node, ended) + dumps.workers(ended)
            work += [(dumps.read_archives, ended)]
            strangers = self.strangers(node, None, ended)
            # A listener of each kind has its own share of what may be held.
            for act in strangers:
                act[1].held = held[["loopback", "socket", "TLS"].index(act[1].target.name)]
            work += strangers + [(each.run, ended) for each in held]
            peers.append(subprocess.Popen(
                [sys.executable, str(HERE / "peer.py"), node.name, str(node.socket), str(PEER)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        if kills:
            work.append((operators.kills, kills, self.books, killed))
        threads = [threading.Thread(target=self.one, args=each, daemon=True) for each in work]
        for thread in threads:
            thread.start()
        try:
            killed.wait(seconds * 0.7)
            killed.set()
            ended.wait(seconds * 0.3)
        finally:
            killed.set()
            ended.set()
            for peer in peers:
                try:
                    self.books.add(peer.communicate(timeout=60)[0])
                except (subprocess.TimeoutExpired, ValueError) as error:
                    peer.kill()
                    self.books.fail("the soak's own", f"the other user: {error!r}")
            for thread in threads:
                thread.join(150)
                if thread.is_alive():
                    self.books.fail("the soak's own", f"{thread.name} does not end")
            # What was put there in the last moment.
            for held in shelves:
                held.look(float("inf"))

    def crowd(self, number=400):
        """More than a listener takes, on each, all of them served: the most memory that connections can need at once.

        What the allocator then keeps depends on nothing but this number, so the rests before and after can be compared.
        """
        for node in self.nodes:
            for target, token in [(node.loopback, ""), (node.local, ""), (node.main(), "csv-bob")]:
                field = f"Authorization: Bearer {token}\r\n" if token else ""
                with contextlib.ExitStack() as stack:
                    for _ in range(number):
                        connection = stack.enter_context(target.open())
                        connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{field}\r\n".encode())
                        if not connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                            self.books.fail("good request with a bad answer", f"{target.name} in a crowd")
                        self.books.count("connections of a crowd")

    def one(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as error:  # told at the end
            self.books.fail("the soak's own", f"{work.__module__}.{work.__name__}: {error!r}")
