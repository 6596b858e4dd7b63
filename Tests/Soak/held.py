# SPDX-License-Identifier: Apache-2.0
"""Connections that strangers hold open for a while, some of them with a byte now and then."""

import socket
import ssl
import threading
import time


class Held:
    # Well below the 256 connections that a listener has: what the flood adds is the flood's business.
    LIMIT = 90
    TICK = 0.25

    def __init__(self):
        self.lock = threading.Lock()
        self.connections = []

    def hold(self, connection, seconds, drip=b"", reads=True):
        with self.lock:
            if len(self.connections) < self.LIMIT:
                self.connections.append((connection, time.monotonic() + seconds, drip, reads))
                return
        connection.close()

    def run(self, ended):
        while not ended.wait(self.TICK):
            self.look(time.monotonic())
        self.look(float("inf"))

    def look(self, now):
        with self.lock:
            connections, self.connections = self.connections, []
        kept = []
        for connection, until, drip, reads in connections:
            if now < until and (not reads or is_open(connection, drip)):
                kept.append((connection, until, drip, reads))
            else:
                connection.close()
        with self.lock:
            self.connections += kept


def is_open(connection, drip):
    """Whether the other side still wants it, after another byte."""
    try:
        connection.setblocking(False)
        if drip:
            connection.send(drip)
        return connection.recv(65_536) != b""
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return True
    except OSError:
        return False


def reset(connection):
    """Ends it the hard way."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    except OSError:
        pass
    connection.close()
