# SPDX-License-Identifier: Apache-2.0
"""The gate's frames as nodekeep-web writes and reads them (Sources/Gate), for programs that take its place."""

import struct

DESCRIPTOR = 3
MAXIMUM = 65_536
READY, REQUEST, CANCELLED, USED, PONG, LOG = 65, 66, 67, 68, 69, 70
LISTENERS = {"local": 1, "socket": 2, "main": 3}
AGENT_MESSAGES = {
    1: "configure", 2: "publish", 3: "confirm", 4: "expire", 5: "respond", 6: "ping", 7: "drain", 8: "await",
    9: "serverIdentity", 10: "revokeGrants"}


# Writing. Nothing is checked: what no web process may say must be sayable here.

def frame(kind, body=b"", length=None):
    """`length`: what the frame says of itself, if that is not to be true."""
    return struct.pack("<IB", 1 + len(body) if length is None else length, kind) + body


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<I", len(data)) + data


def items(values):
    values = list(values)
    return struct.pack("<I", len(values)) + b"".join(values)


def ready(process_id=1):
    return frame(READY, struct.pack("<i", process_id))


def peer_bytes(peer):
    if peer[0] == "unix":
        return struct.pack("<BiII", 1, *peer[1:])
    return b"\x02" + text(peer[1]) + struct.pack("<H", peer[2])


def request(number, *, listener="local", peer=("tcp", "127.0.0.1", 40_000), method="GET", path="/healthz", query=None,
            headers=(), certificates=(), connection=1):
    body = struct.pack("<QQB", number, connection, LISTENERS.get(listener, listener)) + peer_bytes(peer)
    body += text(method) + text(path) + (b"\0" if query is None else b"\1" + text(query))
    body += items(text(name) + text(value) for name, value in headers)
    return frame(REQUEST, body + items(text(der) for der in certificates))


def cancelled(number):
    return frame(CANCELLED, struct.pack("<Q", number))


def used(pages):
    return frame(USED, items(text(path) + bytes([gzip]) for path, gzip in pages))


def pong(token, *, counts=(0, 0, 0, 0, 0), served=(), refused=(), denied=0, last_denied=-1):
    body = struct.pack("<QQQQQQ", token, *counts)
    body += items(
        text(path) + struct.pack("<BHQ", LISTENERS[listener], status, count)
        for path, listener, status, count in served)
    body += items(text(reason) + struct.pack("<HQ", status, count) for reason, status, count in refused)
    return frame(PONG, body + struct.pack("<Qi", denied, last_denied))


def log(level, line):
    return frame(LOG, bytes([level]) + text(line))


# Reading

class Fields:
    def __init__(self, data):
        self.data, self.position = data, 0

    def number(self, layout):
        (value,) = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return value

    def blob(self):
        length = self.number("I")
        self.position += length
        return bytes(self.data[self.position - length:self.position])

    def text(self):
        return self.blob().decode()


class Reader:
    """Cuts the stream into messages: (name, fields)."""

    def __init__(self):
        self.held = bytearray()

    def feed(self, data):
        self.held += data
        start, messages = 0, []
        while len(self.held) - start >= 4:
            (length,) = struct.unpack_from("<I", self.held, start)
            if len(self.held) - start - 4 < length:
                break
            body = bytes(self.held[start + 4:start + 4 + length])
            messages.append((AGENT_MESSAGES[body[0]], Fields(body[1:])))
            start += 4 + length
        del self.held[:start]
        return messages


def listeners(fields):
    """Of a `configure` message: kind -> descriptor."""
    names = {number: name for name, number in LISTENERS.items()}
    found = {}
    for _ in range(fields.number("I")):
        kind, descriptor = names[fields.number("B")], fields.number("i")
        found[kind] = descriptor
        for _ in range(fields.number("I")):
            fields.blob()
    return found


def response(fields):
    """Of a `respond` message."""
    number, status = fields.number("Q"), fields.number("H")
    headers = [(fields.text(), fields.text()) for _ in range(fields.number("I"))]
    return number, status, headers, fields.blob()
