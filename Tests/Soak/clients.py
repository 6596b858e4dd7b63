# SPDX-License-Identifier: Apache-2.0
"""The ways to a node's listeners, and a well-behaved client that uses them."""

import gzip
import http.client
import socket
import ssl
import time

from books import Loss


class Target:
    """A listener of a node. `web` says which of its web processes has it."""

    def __init__(self, node, name, web):
        self.node, self.name, self.web = node, name, web

    def raw(self, timeout=5):
        """A connection without a byte sent."""
        raise NotImplementedError

    def open(self, timeout=5, **_):
        """One on which requests can be sent."""
        return self.raw(timeout)


class Loopback(Target):
    def __init__(self, node, port):
        super().__init__(node, "loopback", "network")
        self.port = port

    def raw(self, timeout=5):
        return socket.create_connection(("127.0.0.1", self.port), timeout)


class Local(Target):
    """The Unix socket, as whoever this process is."""

    def __init__(self, node, path):
        super().__init__(node, "socket", "socket")
        self.path = str(path)

    def raw(self, timeout=5):
        client = socket.socket(socket.AF_UNIX)
        try:
            client.settimeout(timeout)
            client.connect(self.path)
        except BaseException:
            client.close()
            raise
        return client


class Main(Target):
    """TLS, always with a look at the server's certificate; `pair` is the client's."""

    def __init__(self, node, port, authority, pair=None, version=None):
        super().__init__(node, "TLS", "network")
        self.port, self.authority = port, authority
        self.context = ssl.create_default_context(cafile=str(authority))
        # The certificate is for the address; it is replaced all the time, the authority is not.
        if pair:
            self.context.load_cert_chain(*map(str, pair))
        if version:
            self.context.maximum_version = version

    def raw(self, timeout=5):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def open(self, timeout=5, session=None):
        raw = self.raw(timeout)
        try:
            return self.context.wrap_socket(raw, server_hostname="127.0.0.1", session=session)
        except BaseException:
            raw.close()
            raise


class Answer:
    def __init__(self, response, body, seconds):
        self.status, self.headers, self.body, self.seconds = response.status, response.headers, body, seconds

    @property
    def job(self):
        return self.headers["nodekeep-job"]

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


class Client:
    """One caller with his credential, over connections that he keeps, or over new ones.

    A connection that ends under a request is a loss, to be judged at the end, and the request is made once more on a
    new one, as any client does; a second loss is one too.
    """

    def __init__(self, target, books, token=None, resumes=False):
        self.target, self.books, self.resumes = target, books, resumes
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection = self.session = None
        self.opened = 0
        self.uses = 0

    def open(self, timeout):
        self.opened = time.monotonic()
        self.uses = 0
        connection = http.client.HTTPConnection("127.0.0.1", timeout=timeout)
        connection.auto_open = 0
        connection.sock = self.target.open(timeout, session=self.session)
        self.connection = connection
        if self.session is not None:
            self.books.count("TLS sessions resumed" if connection.sock.session_reused else "TLS sessions not resumed")

    def close(self):
        if self.connection:
            if self.resumes and self.connection.sock is not None:
                self.session = self.connection.sock.session
            self.connection.close()
            self.connection = None

    def request(self, path, expected=(200,), method="GET", headers=None, keep=True, retry=True, timeout=15,
                kind="answer"):
        """The answer, or None where there was none; says itself what is wrong with it."""
        name = f"{self.target.node} {self.target.name}"
        for is_last in ([False, True] if retry else [True]):
            started = time.monotonic()
            was_kept = self.connection is not None and self.uses > 0
            try:
                if self.connection is None:
                    self.open(timeout)
                self.connection.request(method, path, headers={**self.headers, **(headers or {})})
                response = self.connection.getresponse()
                answer = Answer(response, response.read(), time.monotonic() - started)
            except TimeoutError as error:
                self.close_hard()
                self.books.fail("good request without an answer in time", f"{name} {method} {path}: {error!r}")
                return None
            except (OSError, http.client.HTTPException) as error:
                self.books.lost(Loss(
                    self.target.node, self.target.web, f"{name} {method} {path}: {error!r}", self.opened,
                    time.monotonic(), was_kept))
                self.close_hard()
                if is_last:
                    return None
                continue
            self.uses += 1
            self.books.took(f"good {kind}s, {name}", answer.seconds)
            if not keep or (answer.headers["Connection"] or "").lower() == "close":
                self.close()
            if expected and answer.status not in expected:
                self.books.fail("good request with a bad answer", f"{name} {method} {path}: {answer}")
            return answer
        return None

    def close_hard(self):
        self.session = None
        if self.connection:
            self.connection.close()
            self.connection = None

    def page(self, path, keep=True, packed=False):
        """A GET of a page and a look at whether it is whole."""
        answer = self.request(path, headers={"Accept-Encoding": "gzip"} if packed else None, keep=keep)
        if answer is None or answer.status != 200:
            return answer
        body = answer.body
        try:
            if answer.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
                self.books.count("packed answers")
            body.decode()
        except (OSError, EOFError, UnicodeDecodeError) as error:
            self.books.fail("good request with a damaged answer", f"{self.target.name} {path}: {error!r}")
        if path == "/metrics" and (not body.endswith(b"\n") or b"nodekeep_build_info" not in body):
            self.books.fail("good request with a damaged answer", f"{self.target.name} {path}: {body[-100:]!r}")
        return answer

    def unchanged(self, path, tag):
        """A conditional GET: 304 as long as the page is the same."""
        answer = self.request(path, expected=(200, 304), headers={"If-None-Match": tag})
        if answer is not None:
            self.books.count(f"conditional answers: {answer.status}")
        return answer
