# SPDX-License-Identifier: Apache-2.0
"""The test server's doors: certificates and tokens, the Node authorizer, roles, certificate requests."""

import base64
import json

from kubeapi import authenticated, bootstrap_user
from kubeapi.client import Client
from kubeapi.testing import EVENTS, LEASES, NODES, KubeAPITest, event, lease, node
from pki import Authority, openssl
from support import wait_for

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
BOOTSTRAP = [
    {"kind": "ClusterRoleBinding", "metadata": {"name": role.rpartition(":")[2]}, "roleRef": {
        "kind": "ClusterRole", "name": role}, "subjects": [{"kind": "Group", "name": group}]}
    for role, group in (
        ("system:node-bootstrapper", "system:bootstrappers"),
        ("system:certificates.k8s.io:certificatesigningrequests:nodeclient", "system:bootstrappers"),
        ("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes"))]


class IdentityTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        self.strangers = Authority(self.directory, "strangers")
        self.server.close()
        self.server.strangers = (self.strangers,)
        self.server.start()

    def test_certificates(self):
        self.assertEqual(self.client.get(f"{NODES}/node1").code, 404)
        old = self.server.node_certificate("node1", begins="20200101000000Z", ends="20210101000000Z")
        self.refused(Client(self.server, *old).get(f"{NODES}/node1"), 401, "Unauthorized")
        stranger = self.strangers.issue("/O=system:nodes/CN=system:node:node1")
        self.refused(Client(self.server, *stranger).get(f"{NODES}/node1"), 401, "Unauthorized")
        other = self.server.node_certificate("node2")
        self.refused(Client(self.server, *other).get(f"{NODES}/node1"), 403, "Forbidden")

    def test_tokens(self):
        self.server.tokens["good"] = authenticated("system:node:node1", ("system:nodes",))
        self.assertEqual(Client(self.server, token="good").get(f"{NODES}/node1").code, 404)
        self.refused(Client(self.server, token="bad").get(f"{NODES}/node1"), 401, "Unauthorized")
        # One of two credentials is enough.
        stranger = self.strangers.issue("/CN=x")
        self.assertEqual(Client(self.server, *stranger, token="good").get(f"{NODES}/node1").code, 404)
        self.refused(
            Client(self.server).get(f"{NODES}/node1"), 403, "Forbidden", 'User "system:anonymous" cannot get resource')


class AuthorizationTest(KubeAPITest):
    def test_what_a_node_may_do(self):
        uid = self.register()
        self.assertEqual(self.client.post(LEASES, lease(uid)).code, 201)
        self.assertEqual(self.client.get(f"{LEASES}/node1").code, 200)
        self.assertEqual(self.client.post(EVENTS, event(uid)).code, 201)
        for method, path, body, words in (
                ("GET", LEASES, None, "can only get, create, update, patch, or delete a node lease"),
                ("GET", f"{LEASES}/node2", None, "same name as the requesting node"),
                ("POST", LEASES, lease(uid, "node2"), "same name as the requesting node"),
                ("GET", LEASES.replace("kube-node-lease", "default") + "/node1", None, 'the "kube-node-lease" system'),
                ("GET", NODES, None, "cannot read all nodes"), ("DELETE", f"{NODES}/node1", None, "cannot delete"),
                ("GET", f"{EVENTS}/x", None, "cannot get"), ("GET", "/api/v1/namespaces/default", None, "cannot get"),
                ("GET", "/metrics", None, 'cannot get path "/metrics"')):
            with self.subTest(f"{method} {path}"):
                self.refused(self.client.send(method, path, body), 403, "Forbidden", words)

    def test_roles(self):
        self.server.tokens["t"] = authenticated("nodekeep:node1", ("nodekeep:companions",))
        client = Client(self.server, token="t")
        self.refused(
            client.get(f"{NODES}/node1"), 403, "Forbidden",
            'nodes "node1" is forbidden: User "nodekeep:node1" cannot get resource "nodes" in API group "" at the')
        self.server.apply([
            {"kind": "Namespace", "metadata": {"name": "nodekeep"}},
            {"kind": "Role", "metadata": {"name": "leases", "namespace": "nodekeep"}, "rules": [
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create"]}]},
            {"kind": "RoleBinding", "metadata": {"name": "leases", "namespace": "nodekeep"},
             "roleRef": {"kind": "Role", "name": "leases"},
             "subjects": [{"kind": "Group", "name": "nodekeep:companions"}]},
            {"kind": "ClusterRole", "metadata": {"name": "own"}, "rules": [
                {"apiGroups": [""], "resources": ["nodes/status"], "resourceNames": ["node1"], "verbs": ["patch"]}]},
            {"kind": "ClusterRoleBinding", "metadata": {"name": "own"},
             "roleRef": {"kind": "ClusterRole", "name": "own"},
             "subjects": [{"kind": "User", "name": "nodekeep:node1"}]}])
        self.register()
        self.assertEqual(client.patch(f"{NODES}/node1/status", {}).code, 200)
        self.refused(client.patch(f"{NODES}/node2/status", {}), 403, "Forbidden")
        self.refused(client.patch(f"{NODES}/node1", {}), 403, "Forbidden")
        path = LEASES.replace("kube-node-lease", "nodekeep")
        self.assertEqual(client.get(f"{path}/x").code, 404)
        self.refused(client.put(f"{path}/x", lease("x", "x")), 403, "Forbidden", 'cannot update resource "leases"')
        self.refused(client.get(f"{LEASES}/x"), 403, "Forbidden")
        self.assertEqual(self.server.authorizer.unused(), {("leases", "leases", "create")})

    def test_a_node_is_no_node_without_its_group(self):
        self.server.tokens["t"] = authenticated("system:node:node1", ())
        self.refused(Client(self.server, token="t").post(NODES, node()), 403, "Forbidden")


class CertificateTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        self.server.tokens["boot"] = bootstrap_user("abcdef")
        self.boot = Client(self.server, token="boot")
        self.server.apply(BOOTSTRAP)

    def request(self, subject="/O=system:nodes/CN=system:node:node9", name="node-csr-AbC_1", usages=None, signer=None):
        text = openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                       "-keyout", self.directory / "new.key")
        return {
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {"request": base64.b64encode(text.encode()).decode(),
                     "signerName": signer or "kubernetes.io/kube-apiserver-client-kubelet",
                     "usages": usages or ["digital signature", "client auth"]}}

    def certificate(self, name="node-csr-AbC_1"):
        def issued():
            return self.boot.get(f"{REQUESTS}/{name}").json["status"].get("certificate")
        path = self.directory / "new.crt"
        path.write_bytes(base64.b64decode(wait_for(issued, 10, "a certificate")))
        return path

    def test_a_node_gets_its_certificate(self):
        answer = self.boot.post(REQUESTS, self.request())
        self.assertEqual(answer.code, 201, answer)
        self.assertEqual(answer.json["spec"]["username"], "system:bootstrap:abcdef")
        client = Client(self.server, self.certificate(), self.directory / "new.key")
        self.assertEqual(client.post(NODES, node("node9")).code, 201)
        self.refused(self.boot.post(REQUESTS, self.request()), 409, "AlreadyExists")
        self.refused(
            client.post(REQUESTS, self.request("/O=system:nodes/CN=system:node:node8", "other")), 403, "Forbidden",
            "can only create a node CSR with CN=system:node:node9")
        self.server.approver.lifetime = 1
        self.assertEqual(client.post(REQUESTS, self.request(name="b")).code, 201)
        short = Client(self.server, self.certificate("b"), self.directory / "new.key")
        wait_for(lambda: short.get(f"{NODES}/node9").code == 401, 5, "the end of its second")

    def test_what_nobody_approves(self):
        for number, request in enumerate((
                self.request("/O=system:masters/CN=system:node:node9"), self.request("/O=system:nodes/CN=root"),
                self.request(usages=["server auth"]))):
            request["metadata"]["name"] = name = f"csr{number}"
            self.assertEqual(self.boot.post(REQUESTS, request).code, 201)
            self.server.approver.approve(name)
            status = self.server.get("certificatesigningrequests", name)["status"]
            self.assertEqual(status["conditions"][0]["type"], "Failed")
        self.server.approver.is_on = False
        self.boot.post(REQUESTS, self.request())
        self.server.approver.deny("node-csr-AbC_1")
        status = self.boot.get(f"{REQUESTS}/node-csr-AbC_1").json["status"]
        self.assertEqual(status["conditions"][0]["type"], "Denied")
        self.refused(
            self.boot.post(REQUESTS, self.request(
                "/O=system:masters/CN=x", "m", signer="kubernetes.io/kube-apiserver-client")),
            403, "Forbidden", "system:masters")

    def test_requests_that_are_wrong(self):
        for change, words in (
                ({"request": base64.b64encode(b"hello").decode()}, "spec.request"), ({"usages": []}, "spec.usages"),
                ({"usages": ["client_auth"]}, "Unsupported value"), ({"signerName": ""}, "spec.signerName"),
                ({"expirationSeconds": 60}, "spec.expirationSeconds")):
            request = self.request()
            request["spec"] |= change
            with self.subTest(words):
                self.refused(self.boot.post(REQUESTS, request), 422, "Invalid", words)

    def test_a_watch_sees_the_approval(self):
        self.server.approver.is_on = False
        created = self.boot.post(REQUESTS, self.request()).json["metadata"]
        selector = f"fieldSelector=metadata.name%3D{created['name']}"
        listed = self.boot.get(f"{REQUESTS}?{selector}").json
        self.assertEqual(len(listed["items"]), 1)
        self.server.approver.approve(created["name"])
        answer = self.boot.get(
            f"{REQUESTS}?watch=1&{selector}&resourceVersion={listed['metadata']['resourceVersion']}&timeoutSeconds=1")
        self.assertIn(b'"type":"MODIFIED"', answer.data)
        self.assertIn(b'"certificate"', answer.data)


class KubeconfigTest(KubeAPITest):
    def test_what_it_says(self):
        pair = self.server.node_certificate("node1")
        path = self.server.kubeconfig(self.directory / "a", *pair, token="t", inline=True, host="localhost")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        found = json.loads(path.read_text())
        self.assertEqual(found["clusters"][0]["cluster"]["server"], f"https://localhost:{self.server.port}")
        user = found["users"][0]["user"]
        self.assertEqual(base64.b64decode(user["client-key-data"]), pair[1].read_bytes())
        self.assertEqual((user["token"], "client-key" in user), ("t", False))
        found = json.loads(self.server.kubeconfig(self.directory / "b", *pair, token_file="/t").read_text())
        self.assertEqual(found["users"][0]["user"], {
            "client-certificate": str(pair[0]), "client-key": str(pair[1]), "tokenFile": "/t"})
