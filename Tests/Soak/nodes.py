# SPDX-License-Identifier: Apache-2.0
"""The two agents of the soak, and everybody that they know: one decides by a policy, the other asks the API server."""

import json
import os
import pathlib
import signal
import tempfile
import threading

from reviewserver import ReviewServer
from clients import Local, Loopback, Main
from node import Node
from pki import Authority, self_signed
from support import free_port, nodekeep
from workloads import Pod

VERBS = ["get", "list", "create"]
SUBRESOURCES = ["stats", "metrics", "healthz", "proxy", "configz", "checkpoint"]
PEER = 65_534
# How long verdicts are remembered: short, so that the API server is asked all the time.
REMEMBERED = ["10s", "11s"]

POLICY = """
apiVersion: nodekeep/v1
kind: Policy
rules:
  - name: monitoring
    subjects: {groups: [monitoring]}
    verbs: [get]
    endpoints: [stats, metrics, healthz, configz, checkpoints]
  - name: operators
    subjects: {users: [alice], groups: [ops]}
    verbs: ["*"]
    endpoints: ["*"]
  - name: a neighbour on this node
    subjects: {users: ["uid:%d"]}
    verbs: [get]
    endpoints: [stats, metrics, healthz]
%s"""

SOMETIMES = """  - name: sometimes
    subjects: {users: [sam]}
    verbs: [get]
    endpoints: [metrics]
"""


class Reviews(ReviewServer):
    """An API server that is bad to those tokens that ask for it, and good to all others at the same time."""

    BAD = ("slow", "megabytes", "garbage", "error", "cut", "lying")

    def __init__(self, *arguments):
        self.of_thread = threading.local()
        super().__init__(*arguments)

    @property
    def mode(self):
        return getattr(self.of_thread, "mode", "good")

    @mode.setter
    def mode(self, mode):
        self.of_thread.mode = mode

    def answer(self, handler, body):
        token = (json.loads(body).get("spec") or {}).get("token", "")
        self.mode = next((mode for mode in self.BAD if token.startswith(f"hook-{mode}-")), "good")
        super().answer(handler, body)
        # Nobody looks at them one by one here.
        del self.requests[:-10_000]


class World:
    """Authorities, certificates and the API server, shared by both agents."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
        self.clients = Authority(self.directory)
        self.servers = Authority(self.directory, "servers")
        self.prometheus = self.clients.issue("/O=monitoring/CN=prometheus")
        self.alice = self.clients.issue("/O=team-a/CN=alice")
        self.stranger = self.clients.issue("/O=nobody/CN=mallory")
        self.serving = [
            self.servers.issue(f"/CN=node-{number}", usage="serverAuth", names="IP:127.0.0.1", kind=kind)
            for number, kind in enumerate(["ec", "ec", "rsa"])]
        other = Authority(self.directory, "others")
        self.bad_pairs = {
            "expired": self.clients.issue("/O=monitoring/CN=prometheus", ends="20210101000000Z"),
            "early": self.clients.issue("/O=monitoring/CN=prometheus", begins="20390101000000Z"),
            "foreign": other.issue("/O=monitoring/CN=prometheus"),
            "server": self.clients.issue("/O=monitoring/CN=prometheus", usage="serverAuth"),
            "self-signed": self_signed(self.directory, "/O=monitoring/CN=prometheus"),
        }
        users = ["prometheus", "alice", "bob", "grafana", "carol", f"uid:{PEER}"]
        allowed = {(user, verb, sub) for user in users for verb in VERBS for sub in SUBRESOURCES}
        self.reviews = Reviews(
            *self.servers.issue("/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1"),
            self.clients.certificate, {"hook-carol": ("carol", ["ops"])}, allowed)
        self.kubeconfig = self.reviews.kubeconfig(
            self.directory / "kubeconfig", self.servers.certificate, *self.clients.issue("/CN=system:node:soak"))

    def close(self):
        self.reviews.close()


class SoakNode(Node):
    """`name` is also the mode in which it decides: policy or webhook."""

    def __init__(self, bed, world, name):
        self.world, self.name = world, name
        self.version = 0
        self.files = pathlib.Path(tempfile.mkdtemp(prefix=f"files-{name}-"))
        self.main_port = free_port()
        self.policy, self.tokens = self.files / "policy.yaml", self.files / "tokens"
        # One that is never replaced, for whoever asks what a policy says.
        self.standing_policy = self.files / "standing.yaml"
        for file in [self.policy, self.standing_policy]:
            self.put(file, POLICY % (PEER, ""))
        self.csv = self.files / "tokens.csv"
        self.put(self.csv, 'csv-bob,bob,u2,"monitoring"\ncsv-sam,sam,u3\n')
        self.serve_with(0)
        super().__init__(bed, config=self.text())
        # Another user on this node comes through here to the socket, which its mode then is for.
        os.chmod(self.directory, 0o711)
        self.loopback = Loopback(name, self.port)
        self.local = Local(name, self.socket)
        self.pods = [Pod(bed, f"soak-{name}-{number}") for number in range(2)]
        self.containers = [pod.container() for pod in self.pods]

    def text(self):
        """The first of two versions of the configuration; the other remembers verdicts a little longer."""
        remembered = REMEMBERED[0]
        authorization = (
            f"{{policyFile: {self.policy}}}" if self.name == "policy" else
            f"{{mode: Webhook, webhook: {{cacheAuthorizedTTL: {remembered}, cacheUnauthorizedTTL: {remembered}}}}}")
        return (
            f"address: 127.0.0.1\nport: {self.main_port}\nhostnameOverride: soak\n"
            f"tlsCertFile: {self.files}/tls.crt\ntlsPrivateKeyFile: {self.files}/tls.key\n"
            f"kubeconfig: {self.world.kubeconfig}\n"
            "authentication:\n"
            f"  x509: {{clientCAFile: {self.world.clients.certificate}}}\n"
            f"  tokenFile: {self.tokens}\n  tokenAuthFile: {self.csv}\n"
            f"  webhook: {{enabled: true, cacheTTL: {remembered}}}\n"
            f"authorization: {authorization}\n")

    def read_again(self):
        """Another configuration, and SIGHUP: everything about access is made anew."""
        before, after = REMEMBERED if self.version == 0 else REMEMBERED[::-1]
        self.version = 1 - self.version
        self.put(self.config, self.config.read_text().replace(before, after))
        self.signal(signal.SIGHUP)

    @staticmethod
    def put(path, data):
        """As an operator's tools replace a file."""
        new = path.with_suffix(".new")
        new.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.chmod(new, 0o600)
        new.rename(path)

    def serve_with(self, number):
        """Another certificate and its key: two renames, so for a moment they do not belong together."""
        certificate, key = self.world.serving[number]
        self.put(self.files / "tls.key", key.read_bytes())
        self.put(self.files / "tls.crt", certificate.read_bytes())

    def main(self, pair=None, version=None):
        return Main(self.name, self.main_port, self.world.servers.certificate, pair, version)

    def token(self, user, *groups):
        """(token, id), made with the command line."""
        words = ["token", "create", "--user", user, "--file", str(self.tokens)]
        for group in groups:
            words += ["--group", group]
        done = nodekeep(*words)
        assert done.returncode == 0, done
        return done.stdout.strip(), done.stdout.strip().split("_")[1]

    def close(self):
        for pod in getattr(self, "pods", []):
            pod.remove()
        super().close()
