# SPDX-License-Identifier: Apache-2.0
"""Agents with a main listener, node_exporter with the same certificate, and callers with credentials for both."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from reviewserver import ReviewServer
from load import NodeExporter, unverified
from measuring import CannotMeasure
from pki import Authority
from support import Agent, free_port, nodekeep, wait_for

# bcrypt of "bench" with the cost that node_exporter's own documentation uses.
BASIC = ("bench", "bench", "$2b$10$abcdefghijklmnopqrstuugL4XMdN8R2WL1UJtYOSMfM.Sc/RXryS")
BASIC_FIELD = {"Authorization": "Basic YmVuY2g6YmVuY2g="}
STATIC = "static-bench-token"
TOKEN_FIELD = {"Authorization": f"Bearer {STATIC}"}


def policy(rules):
    """So many rules, of which the last is the one that counts. It lets in a user, too, who tells that it is in force."""
    text = "apiVersion: nodekeep/v1\nkind: Policy\nrules:\n"
    for number in range(rules - 1):
        text += (f"- name: team-{number}\n  subjects:\n    users: [user-{number}]\n    groups: [group-{number}]\n"
                 "  verbs: [get, create]\n  endpoints: [metrics, stats, checkpoint]\n")
    return text + (f"- name: bench\n  subjects:\n    users: [of-{rules}]\n"
                   '    groups: [bench, "system:unauthenticated"]\n  verbs: ["*"]\n  endpoints: ["*"]\n')


class Everybody(dict):
    """Each token is somebody of his own."""

    def __contains__(self, _):
        return True

    def __getitem__(self, token):
        return (f"user-of-{token}", ["bench"])


class Pairs:
    """Certificates, token files and policies in a directory of its own, and an API server that lets everybody in."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-bench-"))
        self.clients, servers = Authority(self.directory), Authority(self.directory, "servers")
        self.serving = servers.issue("/CN=bench", usage="serverAuth", names="IP:127.0.0.1")
        self.client = self.clients.issue("/O=bench/CN=carol")
        self.csv, self.tokens = self.directory / "tokens.csv", self.directory / "tokens"
        self.csv.write_text(f'{STATIC},bob,u1,"bench"\nof-10,of-10,u2\nof-1000,of-1000,u3\n')
        os.chmod(self.csv, 0o600)
        done = nodekeep("token", "create", "--user", "grafana", "--group", "bench", "--file", str(self.tokens))
        if done.returncode != 0:
            raise CannotMeasure(f"nodekeep token create: {done.stderr}")
        self.own = done.stdout.strip()
        self.reviews = ReviewServer(
            *servers.issue("/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1"), self.clients.certificate,
            Everybody(), Everybody())
        # Otherwise each of its answers, written in two pieces, waits 40 ms for an acknowledgement.
        self.reviews.server.RequestHandlerClass.disable_nagle_algorithm = True
        self.kubeconfig = self.reviews.kubeconfig(
            self.directory / "kubeconfig", servers.certificate, *self.client)

    def configuration(self, port, mode="Policy", anonymous=False):
        file = self.directory / f"policy-{mode}.yaml"
        file.write_text(policy(10))
        rules = f"{{policyFile: {file}}}" if mode == "Policy" else f"{{mode: {mode}}}"
        return (
            f"address: 127.0.0.1\nport: {port}\ntlsCertFile: {self.serving[0]}\ntlsPrivateKeyFile: {self.serving[1]}\n"
            f"hostnameOverride: bench\nkubeconfig: {self.kubeconfig}\nauthentication:\n"
            f"  anonymous: {{enabled: {str(anonymous).lower()}}}\n"
            f"  x509: {{clientCAFile: {self.clients.certificate}}}\n  tokenFile: {self.tokens}\n"
            f"  tokenAuthFile: {self.csv}\n  webhook: {{enabled: true}}\nauthorization: {rules}\n")

    def close(self):
        self.reviews.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Guarded(Agent):
    def __init__(self, pairs, mode="Policy", anonymous=False):
        self.main_port = free_port()
        self.policy = pairs.directory / f"policy-{mode}.yaml"
        super().__init__(pairs.configuration(self.main_port, mode, anonymous))
        self.url = f"https://127.0.0.1:{self.main_port}"

    @property
    def pids(self):
        return [self.agent_pid(), self.web_pid()]

    def use(self, rules):
        """Another number of rules, and waits until they are in force."""
        new = self.policy.with_suffix(".new")
        new.write_text(policy(rules))
        new.rename(self.policy)
        wait_for(lambda: self.lets_in(f"of-{rules}"), 10, f"a policy of {rules} rules in force")

    def lets_in(self, token):
        with Caller(self.secure(), token) as caller:
            return caller.status("/healthz?verbose") == 200

    def secure(self, pair=None):
        return secure(self.main_port, pair)

    def plain(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)


def secure(port, pair=None):
    """What makes a TLS connection to the port, with a client's certificate or without."""
    context = unverified()
    if pair:
        context.load_cert_chain(*map(str, pair))
    return lambda: context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))


def guarded_exporter(pairs, basic):
    config = pairs.directory / f"web-{'basic' if basic else 'tls'}.yml"
    config.write_text(
        f"tls_server_config: {{cert_file: {pairs.serving[0]}, key_file: {pairs.serving[1]}}}\n"
        + (f"basic_auth_users: {{{BASIC[0]}: {BASIC[2]}}}\n" if basic else ""))
    return NodeExporter(config, BASIC_FIELD if basic else None)


class Caller:
    """One kept connection, one request after the other."""

    def __init__(self, connect, token=None, field=None):
        self.connection = connect()
        self.fields = "Host: 127.0.0.1\r\n"
        if token:
            self.fields += f"Authorization: Bearer {token}\r\n"
        if field:
            self.fields += "".join(f"{name}: {value}\r\n" for name, value in field.items())

    def exchange(self, path):
        """The whole answer."""
        self.connection.sendall(f"GET {path} HTTP/1.1\r\n{self.fields}\r\n".encode())
        answer = b""
        while True:
            part = self.connection.recv(262_144)
            if not part:
                raise CannotMeasure(f"{path}: the connection ended after {answer[:200]!r}")
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            if end:
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                if len(body) >= length:
                    return answer

    def status(self, path):
        return int(self.exchange(path)[9:12])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def s_time(port, version, words, seconds, clients):
    """openssl's own client, several of them: (connections, how many of them were resumed, seconds)."""
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", version, "-time", str(seconds), *words]
    began = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(clients)]
    outputs = [process.communicate(timeout=seconds + 30) for process in running]
    passed = time.monotonic() - began
    for process, (_, error) in zip(running, outputs):
        if process.returncode != 0:
            raise CannotMeasure(f"{command}: {error.decode(errors='replace')}")
    # A letter for each connection, behind the line that says what it does.
    marks = b"".join(line for output, _ in outputs for line in output.splitlines() if set(line) <= set(b"*rt"))
    return len(marks), marks.count(b"r"), passed
