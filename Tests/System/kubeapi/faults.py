# SPDX-License-Identifier: Apache-2.0
"""What a server, or the way to it, can do wrong, on demand."""

import dataclasses
import json
import threading

from .refusal import Refusal

HTML = ("<html>\r\n<head><title>{code} {title}</title></head>\r\n<body>\r\n<center><h1>{code} {title}</h1></center>\r\n"
        "<hr><center>a proxy</center>\r\n</body>\r\n</html>\r\n")


@dataclasses.dataclass
class Reply:
    """An answer. A `body` that is a dict or list goes out as JSON; `stream` gives the body piece by piece."""

    code: int
    body: object = None
    headers: tuple = ()
    content_type: str = "application/json"
    stream: object = None

    def data(self):
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode() + b"\n"


@dataclasses.dataclass
class Fault:
    """`reply` instead of the right answer; `delay` before it; `cuts`: the connection ends within the answer's body
    ("body"), or before a byte of it ("answer"); `hangs`: nothing is answered until `Faults.release`.

    `is_processed`: the request takes effect although its answer is lost or replaced.
    """

    reply: Reply = None
    delay: float = 0
    cuts: str = ""
    hangs: bool = False
    is_processed: bool = False
    verb: str = None
    plural: str = None
    subresource: str = None
    name: str = None
    times: int = None
    hits: int = 0

    def matches(self, target):
        return all(wanted in (None, found) for wanted, found in (
            (self.verb, target.verb), (self.plural, target.plural), (self.subresource, target.subresource),
            (self.name, target.name)))


class Faults:
    """The faults in force. Each method adds one and returns it; `where` are verb, plural, subresource, name, times."""

    def __init__(self):
        self.lock = threading.Lock()
        self.active = []
        self.released = threading.Event()

    def add(self, fault):
        with self.lock:
            self.active.append(fault)
        return fault

    def clear(self):
        """From now on everything is well; what hangs goes on hanging until `release`."""
        with self.lock:
            self.active.clear()

    def release(self):
        self.released.set()
        self.released = threading.Event()

    def take(self, target):
        with self.lock:
            for fault in self.active:
                if fault.matches(target) and (fault.times is None or fault.hits < fault.times):
                    fault.hits += 1
                    return fault
        return None

    # Answers

    def status(self, code, reason, message, headers=(), details=None, **where):
        """A Status object with this code."""
        return self.refuse(Refusal(code, reason, message, details or {}, tuple(headers)), **where)

    def refuse(self, refusal, **where):
        return self.add(Fault(Reply(refusal.code, refusal.status(), tuple(refusal.headers)), **where))

    def unauthorized(self, **where):
        return self.status(401, "Unauthorized", "Unauthorized", **where)

    def too_many(self, retry_after="1", **where):
        """As the priority filters answer: text, no Status. `retry_after` None: without that header."""
        headers = (("Retry-After", retry_after),) if retry_after is not None else ()
        return self.text(429, "Too many requests, please try again later.\n", headers, **where)

    def unavailable(self, retry_after="1", **where):
        """As at a shutdown."""
        headers = (("Retry-After", retry_after),) if retry_after is not None else ()
        return self.status(
            503, "ServiceUnavailable", "apiserver is shutting down", headers,
            {"retryAfterSeconds": int(retry_after or 0)}, **where)

    def internal_error(self, **where):
        return self.status(
            500, "InternalError", "Internal error occurred: etcdserver: request timed out", (),
            {"causes": [{"message": "etcdserver: request timed out"}]}, **where)

    def timeout(self, is_processed=True, **where):
        """504: whether the request took effect is not known to who asked."""
        return self.status(
            504, "Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded",
            is_processed=is_processed, **where)

    def text(self, code, text, headers=(), **where):
        return self.add(Fault(Reply(code, text, tuple(headers), "text/plain; charset=utf-8"), **where))

    def html(self, code=502, title="Bad Gateway", **where):
        return self.add(Fault(Reply(code, HTML.format(code=code, title=title), (), "text/html"), **where))

    def bare(self, code, **where):
        """A status without a body."""
        return self.add(Fault(Reply(code, b"", (), "text/plain"), **where))

    def garbage(self, body=b'{"kind":"Lease","metadata":', code=200, **where):
        """Success, with a body that is none."""
        return self.add(Fault(Reply(code, body), **where))

    # The way

    def slow(self, seconds, **where):
        return self.add(Fault(delay=seconds, is_processed=True, **where))

    def hang(self, is_processed=False, **where):
        return self.add(Fault(hangs=True, is_processed=is_processed, **where))

    def cut_body(self, **where):
        """The request takes effect; the answer stops in the middle of its body."""
        return self.add(Fault(cuts="body", is_processed=True, **where))

    def cut_answer(self, is_processed=True, **where):
        """The connection is gone before a byte of an answer."""
        return self.add(Fault(cuts="answer", is_processed=is_processed, **where))
