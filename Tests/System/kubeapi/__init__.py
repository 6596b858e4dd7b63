# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server for tests, as far as a node's agent sees it, and as strict as it can be.

Built from what a kube-apiserver 1.36 was seen to do (Tests/KubeTestServer/Wire holds recorded answers). Where it differs it
is stricter: `strict=False` takes away what a real one would let pass. Standard library and openssl only.

    with KubeAPI(directory) as server:
        certificate, key = server.node_certificate("node1")
        server.kubeconfig(path, certificate=certificate, key=key)
        server.faults.too_many(retry_after="3", verb="update", plural="leases", times=2)
        …
        server.requests_of("update", "leases")
"""

import base64
import json
import pathlib
import threading

from pki import Authority

from . import objects
from .api import API
from .approval import Approver
from .authorization import Authorizer
from .faults import Faults, Reply
from .identity import User, authenticated, bootstrap_user, service_account
from .server import Listener, context_for
from .store import Store

__all__ = ["KubeAPI", "Reply", "User", "authenticated", "bootstrap_user", "service_account"]

ADMIN = authenticated("admin", ("system:masters",))


class KubeAPI:
    def __init__(self, directory, strict=True, strangers=()):
        """`directory` gets the certificates. `strangers`: authorities whose clients get through the handshake, and a
        401 afterwards."""
        self.directory, self.strict, self.strangers = pathlib.Path(directory), strict, tuple(strangers)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.servers = Authority(self.directory, "kube-servers")
        self.clients = Authority(self.directory, "kube-clients")
        self.pair = self.servers.issue(
            "/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")
        self.lock, self.requests, self.handshake_failures, self.connections = threading.Lock(), [], [], 0
        # Bearer token -> User.
        self.tokens = {}
        self.store, self.authorizer, self.faults = Store(), Authorizer(), Faults()
        self.api = API(self)
        self.approver = Approver(self, self.clients)
        self.listener, self.port, self.stopped = None, 0, threading.Event()
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.make_namespace(name)
        self.start()

    # The process

    @property
    def is_running(self):
        return self.listener is not None and not self.stopped.is_set()

    def start(self):
        """Listens, on the port of before if it was stopped; what was stored is still there."""
        self.stopped = threading.Event()
        self.context = context_for(*self.pair, (self.clients, *self.strangers))
        self.listener = Listener(self, self.port, self.context)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()
        self.approver.start(self.stopped)

    def stop(self):
        """Nobody listens any more, and every connection is gone."""
        if self.listener is not None:
            self.stopped.set()
            self.listener.end()
            self.listener = None

    close = stop

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def serve_with(self, certificate, key):
        """Another certificate of the server, for connections from now on."""
        self.pair = (certificate, key)
        self.context.load_cert_chain(certificate, key)

    # What was asked

    def requests_of(self, verb=None, plural=None, subresource=None):
        with self.lock:
            return [record for record in self.requests
                    if verb in (None, record.target.verb) and plural in (None, record.target.plural)
                    and subresource in (None, record.target.subresource)]

    def refused(self, *codes):
        """Answers of 400 and more, without those of faults."""
        with self.lock:
            return [record for record in self.requests if record.fault is None and record.code and record.code >= 400
                    and (not codes or record.code in codes)]

    def traffic(self, since=0):
        """{(verb, resource): (requests, bytes received, bytes sent)}; bytes are HTTP's, before TLS."""
        found = {}
        with self.lock:
            for record in self.requests:
                if record.time >= since:
                    target = record.target
                    key = target.verb, target.what
                    count, received, sent = found.get(key, (0, 0, 0))
                    found[key] = count + 1, received + record.received, sent + record.sent
        return found

    # Objects, as somebody with every right sees and changes them

    def get(self, plural, name, namespace=""):
        return self.store.get(plural, namespace, name)

    def edit(self, plural, name, change, namespace=""):
        """`change` is called with the object and changes it. No rule is checked."""
        with self.store.lock:
            found = self.store.get(plural, namespace, name)
            change(found)
            return self.store.put(plural, namespace, name, found)

    def create(self, value, namespace=""):
        """Creates an object as an administrator would, with every rule checked."""
        resource = next(found for found in objects.ALL if found.kind == value["kind"])
        with self.store.lock:
            value = json.loads(json.dumps(value))
            if resource.namespaced:
                value["metadata"]["namespace"] = namespace
            return self.api.insert(resource, namespace, value, ADMIN)

    def delete(self, plural, name, namespace=""):
        """Deletes it; a Node takes along the objects that it owns, as the garbage collector has it."""
        with self.store.lock:
            gone = self.store.remove(plural, namespace, name)
            if gone is None:
                raise KeyError(f"{plural} {namespace}/{name}")
            uid = gone["metadata"]["uid"]
            for kind, space, other in list(self.store.objects):
                owners = self.store.objects[(kind, space, other)]["metadata"].get("ownerReferences", [])
                if owners and all(owner["uid"] == uid for owner in owners):
                    self.store.remove(kind, space, other)
            return gone

    def make_namespace(self, name):
        if self.store.get("namespaces", "", name) is None:
            self.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})

    def apply(self, manifests):
        """Namespaces, roles and bindings of manifests."""
        for item in manifests:
            if item["kind"] == "Namespace":
                self.make_namespace(item["metadata"]["name"])
        self.authorizer.add(manifests)

    # Clients

    def node_certificate(self, name, **options):
        return self.clients.issue(f"/O=system:nodes/CN=system:node:{name}", **options)

    def kubeconfig(
            self, path, certificate=None, key=None, token=None, token_file=None, inline=False, host="127.0.0.1"):
        """`inline`: the certificate and its key go into the file. `host`: a name of ours, such as localhost."""
        user = {}
        if certificate is not None:
            user = {"client-certificate": str(certificate), "client-key": str(key)}
            if inline:
                user = {f"{name}-data": base64.b64encode(pathlib.Path(file).read_bytes()).decode()
                        for name, file in user.items()}
        if token is not None:
            user["token"] = token
        if token_file is not None:
            user["tokenFile"] = str(token_file)
        path = pathlib.Path(path)
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {
                "server": f"https://{host}:{self.port}", "certificate-authority": str(self.servers.certificate)}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}))
        path.chmod(0o600)
        return path
