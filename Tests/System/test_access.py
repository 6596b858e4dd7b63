# SPDX-License-Identifier: Apache-2.0
"""Who is let in on the main listener, and to what: with curl and openssl as clients, and a webhook that behaves, or not."""

import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import time

from kubeapi import KubeAPI, authenticated
from pki import Authority, self_signed
from support import AgentTest, free_port, nodekeep, wait_for

POLICY = """
apiVersion: nodekeep/v1
kind: Policy
rules:
  - name: monitoring
    subjects: {groups: [monitoring]}
    verbs: [get]
    endpoints: [metrics, healthz, stats]
  - name: team-a
    subjects: {users: [alice]}
    verbs: [create]
    endpoints: [checkpoint]
    namespaces: [team-a]
"""

CAROL = [
    {"kind": "ClusterRole", "metadata": {"name": "carol"}, "rules": [
        {"apiGroups": [""], "resources": ["nodes/metrics", "nodes/proxy"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["nodes/checkpoint"], "verbs": ["create"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "carol"}, "roleRef": {"kind": "ClusterRole", "name": "carol"},
     "subjects": [{"kind": "User", "name": "carol"}]}]


class Curl:
    """What curl saw: the status, the header and the body of the last answer."""

    def __init__(self, *words, timeout=20):
        self.done = subprocess.run(
            ["curl", "--silent", "--show-error", "--include", "--max-time", str(timeout), *map(str, words)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout + 10)
        text = self.done.stdout.replace("\r\n", "\n")
        head, _, self.body = text.partition("\n\n")
        lines = head.split("\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/") else None
        self.headers = {
            line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}

    def __repr__(self):
        return f"<curl {self.status} {self.body[:300]!r} {self.done.stderr.strip()!r}>"


class AccessTest(AgentTest):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-access-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory], check=True)
        self.authority = Authority(self.directory)
        self.main_port = free_port()
        self.policy = self.directory / "policy.yaml"
        self.policy.write_text(POLICY)
        self.tokens = self.directory / "tokens"
        self.csv = self.directory / "tokens.csv"
        self.csv.write_text('csv-secret-1,bob,u2,"monitoring"\n')
        os.chmod(self.csv, 0o600)

    def serve(self, config="", **options):
        return self.agent(
            f"address: 127.0.0.1\nport: {self.main_port}\n"
            "authentication:\n"
            f"  x509: {{clientCAFile: {self.authority.certificate}}}\n"
            f"  tokenFile: {self.tokens}\n"
            f"  tokenAuthFile: {self.csv}\n"
            f"{config or f'authorization: {{policyFile: {self.policy}}}'}\n", **options)

    def token(self, user, *groups, ttl=None):
        words = ["token", "create", "--user", user, "--file", str(self.tokens)]
        for group in groups:
            words += ["--group", group]
        done = nodekeep(*words, *(["--ttl", ttl] if ttl else []))
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.strip()

    def curl(self, path, *words, certificate=None, token=None, timeout=20):
        options = ["--insecure", *words]
        if certificate:
            options += ["--cert", certificate[0], "--key", certificate[1]]
        if token is not None:
            options += ["--header", f"Authorization: Bearer {token}"]
        return Curl(*options, f"https://127.0.0.1:{self.main_port}{path}", timeout=timeout)

    def assertRefused(self, answer, status, agent=None, secret=None):
        self.assertEqual(answer.status, status, answer)
        if agent and secret:
            self.assertNotIn(secret, agent.output())

    # Who

    def test_nobody_without_a_credential(self):
        agent = self.serve()
        for path in ["/", "/status", "/metrics", "/healthz", "/nothing", "/checkpoint/a/b/c"]:
            self.assertRefused(self.curl(path), 401)
        answer = self.curl("/checkpoint/a/b/c", "--request", "POST")
        self.assertEqual((answer.status, answer.body), (401, "Unauthorized"), answer)
        self.assertEqual(json.loads(self.curl("/status").body)["reason"], "Unauthorized")
        self.assertEqual(self.curl("/status").headers["www-authenticate"], 'Bearer realm="nodekeep"')
        self.assertIn("audit: POST checkpoint of a/b/c for nobody known", agent.output())
        # The local listener and the socket are as they were.
        self.assertEqual(agent.get("/status").status, 200)
        self.assertEqual(agent.get("/configz", unix=True).status, 200)

    def test_client_certificates(self):
        agent = self.serve()
        monitor = self.authority.issue("/O=monitoring/CN=prometheus")
        for kind in ["ec", "rsa"]:
            certificate = self.authority.issue("/O=monitoring/CN=prometheus", kind=kind)
            self.assertEqual(self.curl("/metrics", certificate=certificate).status, 200, kind)
        answer = self.curl("/checkpoint/team-a/p/c", "--request", "POST", certificate=monitor)
        self.assertEqual(answer.status, 403, answer)
        self.assertEqual(
            answer.body, "Forbidden (user=prometheus, verb=create, resource=nodes, subresource(s)=[checkpoint])\n")
        bad = {
            "expired": self.authority.issue("/CN=prometheus/O=monitoring", ends="20210101000000Z"),
            "not yet valid": self.authority.issue("/CN=prometheus/O=monitoring", begins="20390101000000Z"),
            "of another authority": Authority(self.directory, "others").issue("/CN=prometheus/O=monitoring"),
            "for servers": self.authority.issue("/CN=prometheus/O=monitoring", usage="serverAuth"),
            "self-signed": self_signed(self.directory, "/CN=prometheus/O=monitoring"),
        }
        for what, certificate in bad.items():
            answer = self.curl("/metrics", certificate=certificate)
            self.assertEqual(answer.status, 401, f"{what}: {answer}")
        self.assertEqual(self.curl("/metrics", certificate=monitor).status, 200)
        self.assertIn("prometheus", agent.output())

    def test_tokens(self):
        agent = self.serve()
        token = self.token("grafana", "monitoring")
        wait_for(lambda: self.curl("/metrics", token=token).status == 200, 5, "the new token")
        self.assertEqual(self.curl("/metrics", token="csv-secret-1").status, 200)
        self.assertEqual(self.curl("/configz", token=token).status, 403)
        listed = nodekeep("token", "list", "--file", str(self.tokens))
        self.assertIn("grafana", listed.stdout)
        self.assertNotIn(token, listed.stdout + self.tokens.read_text())
        self.assertEqual(os.stat(self.tokens).st_mode & 0o777, 0o600)
        (item,) = json.loads(nodekeep("token", "list", "--file", str(self.tokens), "-o", "json").stdout)["items"]
        self.assertEqual(nodekeep("token", "revoke", item["id"], "--file", str(self.tokens)).returncode, 0)
        wait_for(lambda: self.curl("/metrics", token=token).status == 401, 5, "the revoked token refused")
        self.assertNotIn(token, agent.output())
        self.assertNotIn("csv-secret-1", agent.output())

    def test_a_token_that_expires(self):
        self.serve()
        token = self.token("grafana", "monitoring", ttl="10s")
        wait_for(lambda: self.curl("/metrics", token=token).status == 200, 8, "the new token")
        wait_for(lambda: self.curl("/metrics", token=token).status == 401, 15, "the expired token refused")

    def test_bad_tokens(self):
        agent = self.serve()
        url = f"https://127.0.0.1:{self.main_port}/metrics"
        for header in ["Bearer", "Bearer ", "Bearer  csv-secret-1", "Basic Ym9iOnB3", "bearer nonsense-secret",
                       "Bearer " + "x" * 7000, "Bearer nkt_0_0", "Bearer csv-secret-1x"]:
            answer = Curl("--insecure", "--header", f"Authorization: {header}", url)
            self.assertEqual(answer.status, 401, f"{header[:40]}: {answer}")
        # Scheme names are not case-sensitive.
        self.assertEqual(Curl("--insecure", "--header", "Authorization: bEARER csv-secret-1", url).status, 200)
        twice = Curl("--insecure", "--header", "Authorization: Bearer csv-secret-1", "--header",
                     "Authorization: Bearer csv-secret-1", url)
        self.assertEqual(twice.status, 400, twice)
        self.assertIn(Curl("--insecure", "--header", "Authorization: Bearer " + "x" * 9000, url).status, (400, 431))
        self.assertNotIn("nonsense-secret", agent.output())

    def test_control_bytes_in_a_token(self):
        self.serve()
        for byte in [b"\0", b"\r", b"\n x", b"\x7f"]:
            answer = self.exchange(b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer csv-secret" + byte +
                                   b"-1\r\nConnection: close\r\n\r\n")
            self.assertTrue(answer == b"" or re.match(rb"HTTP/1.1 (400|401) ", answer), (byte, answer[:200]))

    def test_anonymous(self):
        self.policy.write_text(POLICY + """
  - name: health for everybody
    subjects: {groups: ["system:unauthenticated"]}
    verbs: [get]
    endpoints: [healthz]
""")
        agent = self.agent(
            f"address: 127.0.0.1\nport: {self.main_port}\nauthentication:\n  anonymous: {{enabled: true}}\n"
            f"  tokenAuthFile: {self.csv}\nauthorization: {{policyFile: {self.policy}}}\n")
        self.assertEqual(self.curl("/healthz").status, 200)
        self.assertEqual(self.curl("/metrics").status, 403)
        self.assertEqual(self.curl("/healthz", token="wrong").status, 401)
        self.assertIn("system:anonymous", agent.output())

    # To what

    def test_a_team_has_its_own_namespace(self):
        self.serve()
        alice = self.authority.issue("/CN=alice")
        answer = self.curl("/checkpoint/team-a/p/c", "--request", "POST", certificate=alice)
        # There is no runtime here, so it gets no further than that.
        self.assertIn(answer.status, (404, 500, 503), answer)
        self.assertEqual(self.curl("/checkpoint/team-b/p/c", "--request", "POST", certificate=alice).status, 403)
        self.assertEqual(self.curl("/checkpoint/team-a%2f/p/c", "--request", "POST", certificate=alice).status, 403)
        self.assertEqual(self.curl("/metrics", certificate=alice).status, 403)
        self.assertEqual(self.curl("/checkpoint/team-a/p/c", certificate=alice).status, 403)

    def test_the_policy_is_followed(self):
        agent = self.serve()
        bob = "csv-secret-1"
        self.assertEqual(self.curl("/metrics", token=bob).status, 200)
        self.policy.write_text("garbage: [")
        wait_for(lambda: "stays in force" in agent.output(), 5, "a word about the broken policy")
        self.assertEqual(self.curl("/metrics", token=bob).status, 200)
        self.policy.write_text(POLICY.replace("monitoring]", "others]"))
        wait_for(lambda: self.curl("/metrics", token=bob).status == 403, 5, "the new policy")
        for path in [self.csv, self.authority.certificate]:
            path.write_text("garbage")
        time.sleep(2)
        self.policy.write_text(POLICY)
        wait_for(lambda: self.curl("/metrics", token=bob).status == 200, 5, "the old tokens with the old policy")

    def test_a_grant_ends_with_the_rule_that_it_came_from(self):
        self.serve()
        with self.connection() as connection:
            ask = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer csv-secret-1\r\n\r\n"
            for _ in range(3):
                self.assertEqual(self.ask(connection, ask), 200)
            self.policy.write_text(POLICY.replace("monitoring]", "others]"))
            wait_for(lambda: self.ask(connection, ask) == 403, 8, "the grant revoked")
            # Somebody else on the same connection never had one.
            self.assertEqual(self.ask(connection, ask.replace(b"csv-secret-1", b"csv-secret-2")), 401)

    def test_what_a_policy_says_is_explained(self):
        check = ["policy", "check", "--file", str(self.policy), "--user", "alice", "--endpoint", "checkpoint", "--verb",
                 "create", "--pod", "p", "--container", "c", "--namespace"]
        allowed, denied = nodekeep(*check, "team-a"), nodekeep(*check, "team-b")
        self.assertEqual((allowed.returncode, denied.returncode), (0, 1), (allowed, denied))
        self.assertIn("team-a", allowed.stdout)
        self.assertIn("denied", denied.stdout)
        self.policy.write_text("rules: [x]")
        self.assertEqual(nodekeep(*check, "team-a").returncode, 2)

    def test_a_token_file_that_others_can_read_is_refused(self):
        os.chmod(self.csv, 0o644)
        agent = self.agent(
            f"port: {self.main_port}\nauthentication: {{tokenAuthFile: {self.csv}}}\n"
            f"authorization: {{policyFile: {self.policy}}}\n", wait=False)
        self.assertEqual(agent.process.wait(10), 1)
        self.assertIn("chmod 0600", agent.output())

    # TLS

    def connection(self, **options):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.main_port), 5)
        return context.wrap_socket(raw, **options)

    def exchange(self, request):
        with self.connection() as connection:
            connection.sendall(request)
            parts = []
            try:
                while part := connection.recv(65_536):
                    parts.append(part)
            except (ConnectionResetError, ssl.SSLError, TimeoutError):
                pass
            return b"".join(parts)

    def ask(self, connection, request):
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65_536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += connection.recv(65_536)
        return int(head.split()[1])

    def test_versions_of_tls(self):
        self.serve()
        for version, is_served in [("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False), ("-tls1", False)]:
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.main_port}", version, "-cipher",
                 "DEFAULT@SECLEVEL=0", "-brief"], input="", capture_output=True, text=True, timeout=15)
            self.assertEqual("CONNECTION ESTABLISHED" in done.stderr, is_served, (version, done.stderr))
        answer = Curl(f"http://127.0.0.1:{self.main_port}/healthz")
        self.assertIsNone(answer.status, answer)

    def test_only_the_newest_tls(self):
        self.serve(f"tlsMinVersion: VersionTLS13\nauthorization: {{policyFile: {self.policy}}}")
        for version, is_served in [("-tls1_3", True), ("-tls1_2", False)]:
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.main_port}", version, "-brief"], input="",
                capture_output=True, text=True, timeout=15)
            self.assertEqual("CONNECTION ESTABLISHED" in done.stderr, is_served, (version, done.stderr))

    def test_only_certain_ciphers(self):
        self.serve("tlsCipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
                   f"authorization: {{policyFile: {self.policy}}}")
        for cipher, is_served in [("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-AES128-GCM-SHA256", False),
                                  ("ECDHE-ECDSA-CHACHA20-POLY1305", False)]:
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.main_port}", "-tls1_2", "-cipher", cipher,
                 "-brief"], input="", capture_output=True, text=True, timeout=15)
            self.assertEqual("CONNECTION ESTABLISHED" in done.stderr, is_served, (cipher, done.stderr))

    def test_the_pair_of_our_own(self):
        agent = self.serve()
        path = agent.state_directory / "serving.pem"
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        answer = Curl("--cacert", path, "--header", "Authorization: Bearer csv-secret-1",
                      f"https://localhost:{self.main_port}/healthz")
        self.assertEqual(answer.status, 200, answer)
        before = path.read_bytes()
        agent.signal(15)
        agent.process.wait(5)
        agent.start()
        agent.wait_until_ready()
        self.assertEqual(path.read_bytes(), before)

    def test_the_operators_pair_and_its_successor(self):
        servers = Authority(self.directory, "servers")
        certificate, key = servers.issue("/CN=node", usage="serverAuth", names="DNS:localhost,IP:127.0.0.1")
        served, its_key = self.directory / "tls.crt", self.directory / "tls.key"

        def put(pair):
            for source, target in zip(pair, (served, its_key)):
                temporary = target.with_suffix(".new")
                temporary.write_bytes(source.read_bytes())
                os.chmod(temporary, 0o600)
                temporary.rename(target)

        put((certificate, key))
        agent = self.serve(f"tlsCertFile: {served}\ntlsPrivateKeyFile: {its_key}\n"
                           f"authorization: {{policyFile: {self.policy}}}")

        def serial():
            text = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.main_port}"], input="", capture_output=True,
                text=True, timeout=10).stdout
            return subprocess.run(
                ["openssl", "x509", "-noout", "-serial"], input=text, capture_output=True, text=True).stdout

        first = serial()
        with self.connection() as open_before:
            ask = b"GET /healthz HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer csv-secret-1\r\n\r\n"
            self.assertEqual(self.ask(open_before, ask), 200)
            # A key that is not the certificate's changes nothing.
            its_key.write_bytes(servers.issue("/CN=x", usage="serverAuth")[1].read_bytes())
            wait_for(lambda: "is not the key of" in agent.output(), 5, "a word about the wrong key")
            self.assertEqual(serial(), first)
            put(servers.issue("/CN=node", usage="serverAuth", names="DNS:localhost,IP:127.0.0.1", kind="rsa"))
            wait_for(lambda: serial() != first, 5, "the new certificate")
            self.assertEqual(self.ask(open_before, ask), 200)
        answer = Curl("--cacert", servers.certificate, "--header", "Authorization: Bearer csv-secret-1",
                      f"https://localhost:{self.main_port}/healthz")
        self.assertEqual(answer.status, 200, answer)

    # Webhooks

    def with_webhooks(self, extra=""):
        server = KubeAPI(self.directory / "cluster")
        self.addCleanup(server.close)
        server.tokens["good-secret"] = authenticated("carol", ["ops"])
        server.apply(CAROL)
        kubeconfig = server.kubeconfig(self.directory / "kubeconfig", *server.node_certificate("node-a"))
        agent = self.agent(
            f"address: 127.0.0.1\nport: {self.main_port}\nkubeconfig: {kubeconfig}\nhostnameOverride: node-a\n"
            f"authentication: {{webhook: {{enabled: true}}}}\nauthorization: {{mode: Webhook}}\n{extra}")
        return server, agent

    def test_webhooks(self):
        server, agent = self.with_webhooks()
        self.assertEqual(self.curl("/metrics", token="good-secret").status, 200)
        self.assertEqual(self.curl("/status", token="good-secret").status, 403)
        # healthz is not allowed, proxy is: the kubelet's second try.
        self.assertEqual(self.curl("/healthz", token="good-secret").status, 200)
        self.assertEqual(self.curl("/metrics", token="bad-secret").status, 401)
        asked = server.requests_of("create", "tokenreviews")[0]
        self.assertEqual(asked.body, {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "good-secret"}})
        self.assertTrue(asked.headers["user-agent"].startswith("nodekeep/"), asked.headers)
        review = server.requests_of("create", "subjectaccessreviews")[0].body
        self.assertEqual(review["spec"]["resourceAttributes"], {
            "verb": "get", "version": "v1", "resource": "nodes", "subresource": "metrics", "name": "node-a"})
        self.assertEqual(review["spec"]["user"], "carol")
        self.assertEqual(review["spec"]["groups"], ["ops", "system:authenticated"])
        # Remembered.
        before = len(server.requests)
        for _ in range(5):
            self.assertEqual(self.curl("/metrics", token="good-secret").status, 200)
        self.assertEqual(len(server.requests), before)
        self.assertNotIn("good-secret", agent.output())
        self.assertNotIn("bad-secret", agent.output())

    def test_a_webhook_that_is_bad(self):
        server, agent = self.with_webhooks()
        faults = server.faults
        for number, fault in enumerate((
                lambda: faults.html(200, "OK"), lambda: faults.garbage(b'{"x":"' + b"a" * (8 << 20) + b'"}'),
                lambda: faults.garbage(b'{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":'
                                       b'{"authenticated":true,"user":{}}}', 201), faults.cut_answer, faults.cut_body)):
            server.tokens[f"good-secret-{number}"] = server.tokens["good-secret"]
            fault()
            answer = self.curl("/metrics", token=f"good-secret-{number}", timeout=40)
            self.assertEqual(answer.status, 401, f"{number}: {answer}")
            self.assertEqual(agent.get("/readyz").status, 200, number)
            faults.clear()
        self.assertEqual(self.curl("/metrics", token="good-secret").status, 200)
        # Who is known is known; what he may do cannot be found out.
        faults.garbage(b'{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":'
                       b'{"allowed":true,"denied":true}}', 201)
        answer = self.curl("/checkpoint/a/b/c", "--request", "POST", token="good-secret", timeout=40)
        self.assertEqual(answer.status, 500, answer)
        self.assertTrue(answer.body.startswith("Authorization error (user=carol, verb=create, resource=nodes, "), answer)

    def test_a_webhook_that_is_slow_holds_up_nobody_else(self):
        server, agent = self.with_webhooks("")
        server.faults.slow(3)
        slow = subprocess.Popen(
            ["curl", "--silent", "--insecure", "--header", "Authorization: Bearer good-secret", "--write-out",
             "%{http_code}", "--output", "/dev/null", f"https://127.0.0.1:{self.main_port}/metrics"],
            stdout=subprocess.PIPE, text=True)
        for _ in range(10):
            started = time.monotonic()
            self.assertEqual(agent.get("/readyz").status, 200)
            self.assertEqual(self.curl("/metrics").status, 401)
            self.assertLess(time.monotonic() - started, 2.5)
        self.assertEqual(slow.communicate(timeout=30)[0], "200")

    def test_a_webhook_that_is_down(self):
        server, agent = self.with_webhooks()
        server.close()
        answer = self.curl("/metrics", token="good-secret", timeout=60)
        self.assertEqual(answer.status, 401, answer)
        self.assertEqual(agent.get("/readyz").status, 200)

    # Records

    def test_every_attempt_at_a_checkpoint_is_recorded(self):
        agent = self.serve()
        alice = self.authority.issue("/CN=alice")
        self.curl("/checkpoint/team-a/p/c?request=r1", "--request", "POST", "--user-agent", "x" * 400, certificate=alice)
        self.curl("/checkpoint/team-b/p/c", "--request", "POST", certificate=alice)
        self.curl("/checkpoint/team-b/p/c", "--request", "POST", token="wrong-secret")
        agent.get("/checkpoint/team-a/p/c", method="POST", unix=True)
        lines = [line for line in agent.output().splitlines() if "audit: POST checkpoint" in line]
        self.assertEqual(len(lines), 4, lines)
        self.assertIn("user=alice", lines[0])
        self.assertIn("authenticated_by=x509", lines[0])
        self.assertIn("decision=allowed", lines[0])
        self.assertIn('policy rule', lines[0])
        self.assertIn("decision=forbidden", lines[1])
        self.assertIn("decision=unauthenticated", lines[2])
        self.assertIn("authenticated_by=peer", lines[3])
        self.assertNotIn("wrong-secret", agent.output())
        decisions = {name: value for name, value in agent.metrics().items() if "access_decisions" in name}
        self.assertEqual(decisions['nodekeep_access_decisions_total{decision="forbidden"}'], 1)

    def test_a_flood_of_refusals_does_not_fill_the_journal(self):
        agent = self.serve()
        with self.connection() as connection:
            ask = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer no\r\n\r\n"
            for _ in range(2_000):
                self.assertEqual(self.ask(connection, ask), 401)
        lines = [line for line in agent.output().splitlines() if "audit:" in line]
        self.assertLess(len(lines), 300)
        self.assertGreater(len(lines), 40)
