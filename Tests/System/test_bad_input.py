# SPDX-License-Identifier: Apache-2.0
"""Bad input on the main listener: nobody gets in, others are served, nothing grows, the log says why and no secret."""

import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from reviewserver import ReviewServer
from pki import Authority, self_signed
from support import MONITORING_MAY_GET_METRICS, Agent, AgentTest, free_port, nodekeep, wait_for

GOOD, BAD = "good-secret-771c", "bad-secret-90df"
FOLLOWER = f"GET /metrics?follower HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {GOOD}\r\n\r\n".encode()


def processes(agent):
    """Name -> (anonymous KiB, descriptors) of the agent and of its web process for the network."""
    found = {}
    for name, pid in [("agent", agent.agent_pid()), ("web", agent.web_pid())]:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        found[name] = (int(re.search(r"RssAnon:\s+(\d+)", text)[1]), len(os.listdir(f"/proc/{pid}/fd")))
    return found


class Site:
    """An agent with a main listener, and those who may and may not use it."""

    def __init__(self, config="", csv=True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-bad-"))
        self.authority = Authority(self.directory)
        self.monitor = self.authority.issue("/O=monitoring/CN=prometheus")
        self.port = free_port()
        self.policy, self.csv = self.directory / "policy.yaml", self.directory / "tokens.csv"
        self.tokens = self.directory / "tokens"
        self.policy.write_text(MONITORING_MAY_GET_METRICS)
        self.csv.write_text(f'{GOOD},bob,u2,"monitoring"\n')
        os.chmod(self.csv, 0o600)
        done = nodekeep("token", "create", "--user", "grafana", "--group", "monitoring", "--file", str(self.tokens))
        self.nkt = done.stdout.strip()
        self.agent = Agent(
            f"address: 127.0.0.1\nport: {self.port}\nauthentication:\n"
            f"  x509: {{clientCAFile: {self.authority.certificate}}}\n  tokenFile: {self.tokens}\n"
            f"  tokenAuthFile: {self.csv}\n{config.format(policy=self.policy)}")

    def close(self):
        self.agent.close()
        subprocess.run(["rm", "-rf", self.directory], check=True)

    def curl(self, *words, path="/metrics", certificate=None, token=None, timeout=10):
        """The status that curl sees, or 0."""
        command = ["curl", "--silent", "--insecure", "--max-time", timeout, "--output", "/dev/null", "--write-out",
                   "%{http_code}", *words]
        if certificate:
            command += ["--cert", certificate[0], "--key", certificate[1]]
        if token is not None:
            command += ["--header", f"Authorization: Bearer {token}"]
        done = subprocess.run(
            [*map(str, command), f"https://127.0.0.1:{self.port}{path}"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout + 10)
        return int(done.stdout or 0)

    def raw(self, timeout=5):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def tls(self, **options):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for name, value in options.items():
            setattr(context, name, value)
        return context.wrap_socket(self.raw())

    def check_others(self, case):
        """A client with a certificate, with either token, and one of the local listener: each long before those who
        keep the agent waiting are cut off."""
        for name, ask in {
            "certificate": lambda: self.curl(certificate=self.monitor), "token": lambda: self.curl(token=GOOD),
            "own token": lambda: self.curl(token=self.nkt), "local": lambda: self.agent.get("/livez").status,
        }.items():
            begin = time.monotonic()
            case.assertEqual(ask(), 200, name)
            case.assertLess(time.monotonic() - begin, 5, name)


def read_all(connection):
    data = b""
    try:
        while part := connection.recv(65_536):
            data += part
    except TimeoutError:
        return data, False
    except (OSError, ssl.SSLError):
        pass
    return data, True


def client_hello():
    """The bytes that a client begins with."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class BadInputTest(unittest.TestCase):
    """One agent for all of it: in the end it takes no more than at the beginning."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site("authorization: {{policyFile: {policy}}}\n")
        cls.addClassCleanup(cls.site.close)
        for _ in range(20):
            assert cls.site.curl(token=GOOD) == 200
        # What the first thousand connections leave behind is there for good, and is not more with the next.
        cls.half_handshakes(1_000)
        wait_for(lambda: processes(cls.site.agent)["web"][1] < 16, 15, "connections closed")
        cls.before = processes(cls.site.agent)

    @classmethod
    def tearDownClass(cls):
        wait_for(lambda: processes(cls.site.agent)["web"][1] < 16, 15, "connections closed")
        after = processes(cls.site.agent)
        print(f"  before {cls.before}, after {after}", flush=True)
        for name in after:
            assert after[name][0] < cls.before[name][0] + (12 << 10), f"{name}: {cls.before} became {after}"
            assert after[name][1] <= cls.before[name][1] + 8, f"{name}: {cls.before} became {after}"

    def setUp(self):
        self.web = self.site.agent.web_pid()
        self.log_begins = len(self.site.agent.output())

    def tearDown(self):
        self.site.check_others(self)
        # Nothing of it has ended a process.
        self.assertEqual(self.site.agent.web_pid(), self.web)
        self.assertIsNone(self.site.agent.process.poll())
        log = self.log()
        for secret in (GOOD, BAD, self.site.nkt):
            self.assertNotIn(secret, log)

    def log(self):
        return self.site.agent.output()[self.log_begins:]

    # Certificates

    def test_certificates_that_are_no_good(self):
        authority, directory = self.site.authority, self.site.directory
        who = "/CN=prometheus/O=monitoring"
        cases = {
            "expired": (authority.issue(who, ends="20210101000000Z"), "expired"),
            "not yet valid": (authority.issue(who, begins="20390101000000Z"), "not valid before|not yet valid"),
            "of another authority": (Authority(directory, "others").issue(who), "trust|chain|signed|issue"),
            "of another authority of the same name": (
                Authority(self.subdirectory("twin")).issue(who), "trust|chain|sign|issue"),
            "for servers": (authority.issue(who, usage="serverAuth"), "client authentication"),
            "for mail": (authority.issue(who, usage="emailProtection"), "client authentication"),
            "self-signed": (self_signed(directory, who), "trust|chain|signed|issue"),
        }
        for name, (certificate, words) in cases.items():
            with self.subTest(name):
                begins = len(self.site.agent.output())
                self.assertEqual(self.site.curl(certificate=certificate), 401)
                (line,) = [line for line in self.site.agent.output()[begins:].splitlines() if "audit:" in line]
                print(f"  {name}: {re.search(r'with 401: (.*?) audit=', line)[1]}", flush=True)
                self.assertRegex(line.partition("401: ")[2], words)
                # A good token beside it: an error of one does not keep the other from succeeding.
                self.assertEqual(self.site.curl(certificate=certificate, token=GOOD), 200)
                self.assertEqual(self.site.curl(certificate=certificate, token=BAD), 401)

    def subdirectory(self, name):
        path = self.site.directory / name
        path.mkdir(exist_ok=True)
        return path

    # Tokens

    def test_tokens_that_are_no_good(self):
        header = "Authorization: Bearer "
        for value, statuses in {
            "": (401,), " ": (401,), BAD: (401,), BAD * 400: (401,), BAD * 700: (400, 431), BAD * 70_000: (400, 431, 0),
        }.items():
            path = self.site.directory / "header"
            path.write_text(header + value)
            status = self.site.curl("--header", f"@{path}")
            self.assertIn(status, statuses, f"{len(value)} bytes")
        request = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        for lines in [
            f"{header}{BAD}\r\n{header}{GOOD}\r\n", f"{header}{GOOD}\r\n{header}{GOOD}\r\n",
            f"{header}{GOOD}\r\nauthorization:Bearer {BAD}\r\n",
        ]:
            self.refused((request + lines + "\r\n").encode(), 400)
        for byte in [b"\0", b"\r", b"\n x", b"\x7f", b"\x01", b"\x1b[2J"]:
            self.refused(
                request.encode() + header.encode() + BAD.encode() + byte + GOOD.encode() + b"\r\n\r\n", 400, 401, None)

    # Requests that two servers could read differently

    def refused(self, request, *statuses):
        """One of these statuses (None: no answer), the end, and what follows is not taken for another request."""
        with self.site.tls() as connection:
            try:
                connection.sendall(request + FOLLOWER)
            except OSError:
                pass  # it may stop reading
            data, ended = read_all(connection)
        self.assertTrue(ended, f"still open after {request[:80]!r}")
        parts = data.split(b"\r\n", 1)[0].split(b" ")
        status = int(parts[1]) if data.startswith(b"HTTP/1.1 ") else None
        self.assertIn(status, statuses, request[:200])
        self.assertNotIn(b"HTTP/1.1 200", data, request[:200])

    def test_request_smuggling(self):
        begin = f"POST /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {GOOD}\r\n".encode()
        inner = b"GET /configz HTTP/1.1\r\nHost: a\r\n\r\n"
        chunked = b"Transfer-Encoding: chunked\r\n"
        shapes = {
            "CL and TE": b"Content-Length: 5\r\n" + chunked + b"\r\n0\r\n\r\n" + inner,
            "TE and CL": chunked + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + inner,
            "TE with a tab": b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + inner,
            "TE with a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner,
            "TE twice": chunked * 2 + b"\r\n0\r\n\r\n" + inner,
            "TE of another name": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
            "TE folded": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner,
            "chunk extensions": chunked + b"\r\n5;a=b;" + b"c" * 5_000 + b"\r\n01234\r\n0\r\n\r\n" + inner,
            "a chunk of 2^64 bytes": chunked + b"\r\nffffffffffffffff0\r\n" + inner,
            "two lengths": b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n" + inner,
            "the same length twice": b"Content-Length: 35\r\nContent-Length: 35\r\n\r\n" + inner,
            "a list of lengths": b"Content-Length: 0, 35\r\n\r\n" + inner,
            "a length with a plus": b"Content-Length: +1\r\n\r\n0" + inner,
            "a negative length": b"Content-Length: -1\r\n\r\n" + inner,
            "a length in hexadecimal": b"Content-Length: 0x10\r\n\r\n" + inner,
            "a length with a blank": b"Content-Length: 1 0\r\n\r\n" + inner,
            "an empty length": b"Content-Length: \r\n\r\n" + inner,
            "a length of 2^64": b"Content-Length: 18446744073709551616\r\n\r\n" + inner,
            "a length with a blank before the colon": b"Content-Length : 0\r\n\r\n" + inner,
            "obs-fold": b"X: a\r\n Content-Length: 35\r\n\r\n" + inner,
            "obs-fold first": b" X: a\r\n\r\n" + inner,
            "a bare CR": b"X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
            "NUL in a field": b"X: a\0Content-Length: 35\r\n\r\n" + inner,
            "a field without a colon": b"GET /configz HTTP/1.1\r\n\r\n" + inner,
        }
        for name, rest in shapes.items():
            with self.subTest(name):
                self.refused(begin + rest, 400, 413)
        # A body where none belongs.
        get = begin.replace(b"POST", b"GET")
        self.refused(get + b"Content-Length: 35\r\n\r\n" + inner, 400)
        self.refused(get + chunked + b"\r\n23\r\n" + inner + b"\r\n0\r\n\r\n", 400)

    def test_lines_that_end_with_a_bare_line_feed(self):
        """Refused, or read as whole lines; never so that a line hides in another."""
        get = f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {GOOD}\r\n".encode()
        for rest in [b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"X: a\nContent-Length: 35\r\n\r\n",
                     b"X: a\n\nGET /configz HTTP/1.1\r\nHost: a\r\n\r\n"]:
            with self.site.tls() as connection:
                connection.settimeout(2)
                connection.sendall(get + rest)
                data, _ = read_all(connection)
            statuses = [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", data, re.M)]
            print(f"  {rest[:30]!r}: {statuses}", flush=True)
            # Two answers only where there were two whole requests, and nobody brought a credential with the second.
            self.assertTrue(statuses and statuses[0] in (200, 400), rest)
            self.assertLessEqual(set(statuses[1:]), {400, 401}, rest)

    # TLS

    def test_what_is_no_tls(self):
        cases = [
            b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", os.urandom(4_096), b"\x16\x03\x01\xff\xff" + bytes(65_535),
            b"\x16\x03\x01\x00\x00" * 1_000, b"\x80\x2e\x01\x00\x02" + bytes(44), b"SSH-2.0-x\r\n", b"\0",
            b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x20" + bytes(32)]
        for data in cases:
            with self.site.raw(timeout=12) as connection:
                try:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                answer, ended = read_all(connection)
            self.assertTrue(ended, data[:20])
            self.assertNotIn(b"HTTP/", answer, data[:20])
            self.assertNotIn(b"nodekeep", answer)
        for word in ["http", "http --http2-prior-knowledge", "https --http2"]:
            scheme, *options = word.split()
            done = subprocess.run(
                ["curl", "--silent", "--insecure", "--max-time", "12", "--output", "/dev/null", "--write-out",
                 "%{http_code}", *options, f"{scheme}://127.0.0.1:{self.site.port}/metrics"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(done.stdout, "401" if scheme == "https" else "000", word)

    def test_old_versions_and_weak_ciphers(self):
        for words, is_served in [
            (["-tls1_3"], True), (["-tls1_2"], True), (["-tls1_1"], False), (["-tls1"], False),
            (["-tls1_2", "-cipher", "RC4:3DES:aNULL:eNULL:EXPORT:@SECLEVEL=0"], False),
            (["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA256:@SECLEVEL=0"], False),
            (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"], False),
        ]:
            cipher = [] if "-cipher" in words else ["-cipher", "DEFAULT:@SECLEVEL=0"]
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.site.port}", *words, *cipher, "-brief"], input="",
                capture_output=True, text=True, timeout=15)
            self.assertEqual("CONNECTION ESTABLISHED" in done.stderr, is_served, (words, done.stderr))

    def test_renegotiation(self):
        """A client that asks for another handshake on a connection gets none."""
        for _ in range(20):
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.site.port}", "-tls1_2", "-cipher",
                 "DEFAULT:@SECLEVEL=0", "-msg"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                seen = ""
                while "Verify return code" not in seen:
                    line = client.stdout.readline()
                    self.assertTrue(line, seen)
                    seen += line
                before = len(re.findall(", ServerHello$", seen, re.M))
                client.stdin.write("R\n")
                client.stdin.flush()
                rest, _ = client.communicate(timeout=10)
            finally:
                client.kill()
                client.wait()
            self.assertEqual(before, 1, seen)
            self.assertIn("RENEGOTIATING", rest)
            self.assertNotIn(", ServerHello", rest)
            self.assertIn("Secure Renegotiation IS supported", seen + rest)

    @classmethod
    def half_handshakes(cls, count, check=None):
        """So many clients that stop in the midst of it, in turn after half of their first message and after all of it."""
        hello = client_hello()
        clients = []
        try:
            for index in range(count):
                connection = cls.site.raw()
                connection.sendall(hello[:len(hello) // 2] if index % 2 else hello)
                clients.append(connection)
                if check and index % 250 == 249:
                    check()
        finally:
            for connection in clients:
                connection.close()

    def test_half_a_handshake_a_thousand_times(self):
        self.half_handshakes(1_000, lambda: self.site.check_others(self))
        # Those that stay are cut as well.
        connection = self.site.raw(timeout=15)
        with connection:
            connection.sendall(client_hello())
            begin = time.monotonic()
            while True:
                try:
                    if not connection.recv(65_536):
                        break
                except ConnectionResetError:
                    break
            self.assertLess(time.monotonic() - begin, 13)
        self.assertLess(len(self.log().splitlines()), 400)

    def test_a_certificate_chain_without_end(self):
        """Larger than what is looked at, within a handshake that is otherwise good."""
        certificate, key = self.site.monitor
        chain = self.site.directory / "chain.pem"
        for count, statuses in [(9, (400, 401)), (100, (0, 400)), (3_000, (0, 400))]:
            chain.write_text(certificate.read_text() * count)
            self.assertIn(self.site.curl(certificate=(chain, key)), statuses, count)

    # The log

    def test_names_of_a_stranger_do_not_fill_the_log(self):
        """A record says what was asked for, and not all of it when that is a book."""
        begins = len(self.site.agent.output())
        self.assertEqual(
            self.site.curl("--request", "POST", path="/checkpoint/" + "a" * 4_000 + "/" + "b" * 4_000 + "/c"), 401)
        (line,) = [line for line in self.site.agent.output()[begins:].splitlines() if "audit:" in line]
        self.assertLess(len(line), 2_500)
        self.assertIn("aaaa", line)


class BadFilesTest(AgentTest):
    """The files that decide who gets in, replaced by what is none while the agent runs."""

    def site(self, *arguments, **options):
        site = Site(*arguments, **options)
        self.addCleanup(site.close)
        return site

    def test_files_replaced_by_garbage(self):
        site = self.site("authorization: {{policyFile: {policy}}}\n")
        fifo = site.directory / "fifo"
        os.mkfifo(fifo)

        def replace(path, make):
            """At once: a file without its mode, or none, would be another reason to complain."""
            make(path.with_name("new"))
            path.with_name("new").rename(path)

        def file(data, mode=0o600):
            return lambda new: (new.write_bytes(data), os.chmod(new, mode))

        kinds = {
            "garbage": lambda path: replace(path, file((b"garbage " + BAD.encode() + b" \x00\xff: [\n") * 2_000)),
            "nothing": lambda path: replace(path, file(b"")),
            "too much": lambda path: replace(path, file(BAD.encode() * (1 << 20))),
            "a directory": lambda path: (path.unlink(), path.mkdir()),
            "a pipe": lambda path: replace(path, lambda new: os.mkfifo(new, 0o600)),
            "a link to itself": lambda path: replace(path, lambda new: new.symlink_to(path)),
            "what others may write": lambda path: replace(path, file(b"x", 0o666)),
            "absence": lambda path: path.unlink(),
        }
        site.check_others(self)
        before = processes(site.agent)
        for path in [site.authority.certificate, site.csv, site.tokens, site.policy]:
            good, mode = path.read_bytes(), path.stat().st_mode
            for kind, put in kinds.items():
                # No file of nodekeep's own tokens, and an empty one of Kubernetes': no tokens, which is no garbage.
                if (path, kind) in [(site.tokens, "absence"), (site.csv, "nothing")]:
                    continue
                with self.subTest(f"{kind} as {path.name}"):
                    begins = len(site.agent.output())
                    put(path)
                    try:
                        def lines():
                            return [line for line in site.agent.output()[begins:].splitlines()
                                    if re.search(rf"error {path}(:\d+)?: ", line)]

                        def is_all():
                            count = len(lines())
                            time.sleep(0.5)
                            return count == len(lines())

                        wait_for(lines, 5, f"a word about {path}")
                        # Notices are written one by one.
                        wait_for(is_all, 10, f"the last word about {path}")
                        said = len(lines())
                        # Once for this change, and not every second; of a thousand errors a few.
                        time.sleep(1.2)
                        self.assertEqual(len(lines()), said)
                        self.assertLessEqual(said, 51 if kind == "garbage" else 1, lines())
                        for line in lines():
                            self.assertLess(len(line), 1_000)
                            self.assertIn("stays in force", line)
                        # What was read before stays in force, for and against.
                        site.check_others(self)
                        self.assertEqual(site.curl(token=BAD), 401)
                        self.assertEqual(site.curl(), 401)
                        self.assertEqual(site.curl(path="/configz", token=GOOD), 403)
                    finally:
                        if kind == "a directory":
                            path.rmdir()
                        replace(path, file(good, mode & 0o777))
                        wait_for(lambda: site.curl(token=GOOD) == 200, 5, "good again")
        after = processes(site.agent)
        print(f"  before {before}, after {after}", flush=True)
        self.assertLess(after["agent"][0], before["agent"][0] + (24 << 10))
        self.assertLessEqual(after["agent"][1], before["agent"][1] + 2)
        for secret in (GOOD, BAD, site.nkt):
            self.assertNotIn(secret, site.agent.output())


class BadWebhookTest(AgentTest):
    """An API server that is down, slow, lies, fails or answers megabytes, beside clients who do not need it."""

    def test_an_api_server_of_every_bad_kind(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-bad-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", directory], check=True)
        authority, servers = Authority(directory), Authority(directory, "servers")
        certificate, key = servers.issue("/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1")
        server = ReviewServer(
            certificate, key, authority.certificate, {GOOD: ("carol", ["ops"])}, {("carol", "get", "metrics")})
        kubeconfig = server.kubeconfig(
            directory / "kubeconfig", servers.certificate, *authority.issue("/CN=system:node:a"))
        port = free_port()
        csv, policy = directory / "tokens.csv", directory / "policy.yaml"
        csv.write_text('local-secret,bob,u2,"monitoring"\n')
        os.chmod(csv, 0o600)
        policy.write_text(MONITORING_MAY_GET_METRICS)
        agent = self.agent(
            f"address: 127.0.0.1\nport: {port}\nkubeconfig: {kubeconfig}\nhostnameOverride: node-a\n"
            f"authentication: {{webhook: {{enabled: true}}, tokenAuthFile: {csv}}}\n"
            f"authorization: {{mode: Policy, policyFile: {policy}}}\n")

        def ask(token, timeout=60):
            return subprocess.Popen(
                ["curl", "--silent", "--insecure", "--max-time", str(timeout), "--output", "/dev/null", "--write-out",
                 "%{http_code}", "--header", f"Authorization: Bearer {token}", f"https://127.0.0.1:{port}/metrics"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

        self.assertEqual(ask("local-secret").communicate()[0], "200")
        before = processes(agent)
        for mode in ["error", "garbage", "megabytes", "lying", "cut", "slow", "down"]:
            with self.subTest(mode):
                begins = len(agent.output())
                server.mode = mode
                if mode == "down":
                    server.close()
                # Each another token, so that nothing is known yet; and somebody beside them who is in the file.
                waiting = [ask(f"{BAD}-{mode}-{number}") for number in range(12)]
                slowest = 0.0
                for _ in range(10):
                    begin = time.monotonic()
                    self.assertEqual(ask("local-secret").communicate()[0], "200")
                    slowest = max(slowest, time.monotonic() - begin)
                statuses = {client.communicate(timeout=90)[0] for client in waiting}
                print(f"  {mode}: others waited at most {slowest:.2f} s", flush=True)
                self.assertEqual(statuses, {"401"})
                self.assertLess(slowest, 2.5)
                log = agent.output()[begins:]
                self.assertNotIn(BAD, log)
                self.assertIn("audit: GET /metrics for nobody known", log)
                self.assertEqual(agent.get("/readyz").status, 200)
        wait_for(lambda: all(found[1] <= before[name][1] + 6 for name, found in processes(agent).items()), 10,
                 "connections closed")
        after = processes(agent)
        print(f"  before {before}, after {after}", flush=True)
        for name in after:
            self.assertLess(after[name][0], before[name][0] + (40 << 10))
            self.assertLessEqual(after[name][1], before[name][1] + 6)
