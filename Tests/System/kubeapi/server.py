# SPDX-License-Identifier: Apache-2.0
"""The server on its port: TLS, HTTP/1.1, the record of what was asked, and the faults."""

import dataclasses
import http.server
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
import uuid

from . import identity
from .faults import Reply
from .refusal import Refusal
from .request import parse_target

# OpenSSL's: an expired certificate passes the handshake, as at a real API server, and is a 401 then.
NO_CHECK_TIME = 0x200000
FLOW_SCHEMA, PRIORITY_LEVEL = "cb5a585d-67b4-471a-a13e-41846fd96794", "94864536-dced-4e58-998a-64b1977ae8c7"


@dataclasses.dataclass
class Record:
    """One request as it came, and what it got."""

    time: float
    target: object
    headers: dict
    data: bytes
    user: str = ""
    code: int = None
    answer: bytes = b""
    received: int = 0
    sent: int = 0
    fault: object = None

    @property
    def body(self):
        return json.loads(self.data) if self.data else None

    def __str__(self):
        return f"{self.target} -> {self.code} ({self.user})"


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, owner, port, context):
        self.owner, self.context, self.lock, self.open = owner, context, threading.Lock(), set()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):
        # Without HTTPServer's look-up of a name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.owner.connections += 1
            wrapped = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self.open.add(wrapped)
        return wrapped, address

    def shutdown_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # A client that went away.

    def end(self):
        self.shutdown()
        self.server_close()
        with self.lock:
            for connection in self.open:
                reset(connection)


def reset(connection):
    """Ends a connection at once, whoever reads from it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self):
        try:
            self.request.settimeout(10)
            self.request.do_handshake()
        except OSError as error:
            self.server.owner.handshake_failures.append(str(error))
            raise
        super().setup()

    def log_message(self, *_):
        pass

    def serve(self):
        owner = self.server.owner
        length = self.headers.get("Content-Length")
        data = self.rfile.read(int(length)) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        record = Record(time.monotonic(), parse_target(self.command, self.path), headers, data)
        record.received = len(self.raw_requestline) + len(bytes(self.headers)) + len(data)
        fault = record.fault = owner.faults.take(record.target)
        released = owner.faults.released
        with owner.lock:
            owner.requests.append(record)
        reply = None
        if fault is None or fault.is_processed:
            if fault is not None and fault.delay and not fault.reply:
                owner.stopped.wait(fault.delay)
            reply = self.judge(record)
        if fault is not None:
            if fault.hangs:
                while not (released.wait(0.1) or owner.stopped.is_set()):
                    pass
                return self.cut()
            if fault.reply is not None:
                owner.stopped.wait(fault.delay)
                reply = fault.reply
            if fault.cuts == "answer" or reply is None:
                return self.cut()
        return self.send(record, reply, fault is not None and fault.cuts == "body")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def judge(self, record):
        owner = self.server.owner
        try:
            user = identity.authenticate(
                self.connection.getpeercert(), owner.clients.name, record.headers.get("authorization"), owner.tokens)
            record.user = user.name
            return owner.api.answer(record.target, user, record.headers, record.data)
        except Refusal as refusal:
            return Reply(refusal.code, refusal.status(), tuple(refusal.headers))

    def send(self, record, reply, is_cut):
        headers = [
            ("Audit-Id", str(uuid.uuid4())), ("Cache-Control", "no-cache, private"),
            ("Content-Type", reply.content_type), ("X-Kubernetes-Pf-Flowschema-Uid", FLOW_SCHEMA),
            ("X-Kubernetes-Pf-Prioritylevel-Uid", PRIORITY_LEVEL), ("Date", self.date_time_string()), *reply.headers]
        record.code = reply.code
        data = b"" if reply.stream else reply.data()
        headers.append(("Transfer-Encoding", "chunked") if reply.stream else ("Content-Length", str(len(data))))
        title = http.server.BaseHTTPRequestHandler.responses.get(reply.code, ("",))[0]
        head = f"HTTP/1.1 {reply.code} {title}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
        record.answer, record.sent = data, len(head) + 2 + len(data)
        try:
            self.wfile.write(head.encode("latin-1") + b"\r\n" + (data[:len(data) // 2] if is_cut else data))
            for piece in reply.stream or ():
                record.sent += len(piece)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if reply.stream:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        if is_cut:
            self.cut()

    def cut(self):
        self.close_connection = True
        reset(self.connection)


def context_for(certificate, key, authorities):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    for authority in authorities:
        context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= NO_CHECK_TIME
    return context
