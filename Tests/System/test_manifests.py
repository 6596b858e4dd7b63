# SPDX-License-Identifier: Apache-2.0
"""The manifests for Kubernetes: their form, and that they allow what each role needs and nothing else."""

import base64
import copy
import unittest

import manifests
from kubeapi import authenticated, bootstrap_user
from kubeapi.authorization import Attributes
from kubeapi.client import Client
from kubeapi.testing import EVENTS, LEASES, NODES, KubeAPITest, event, lease, node
from pki import openssl
from support import wait_for

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
OWN_LEASES = LEASES.replace("kube-node-lease", "nodekeep")
CONDITION = {
    "type": "nodekeep.dev/MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory",
    "message": "kubelet has sufficient memory available", "lastHeartbeatTime": "2026-11-21T00:50:00Z",
    "lastTransitionTime": "2026-11-21T00:50:00Z"}


class FormTest(unittest.TestCase):
    def test_every_manifest(self):
        names = sorted(path.name for path in manifests.DIRECTORY.iterdir())
        self.assertEqual(names, ["access.yaml", "companion-node.yaml", "companion.yaml", "node.yaml"])
        there = []
        for name in ("access.yaml", "companion.yaml", "companion-node.yaml", "node.yaml"):
            items = manifests.load(name)
            self.assertEqual(manifests.problems(items, there), [], name)
            there += items
        # All nodes' parts live side by side; and names that would be no texts without quotes.
        for node_name in ("worker-2.example.com", "10", "on", "2026-11-21"):
            self.assertEqual(manifests.problems(manifests.load("companion-node.yaml", node_name), there), [])

    def test_what_would_be_wrong_is_seen(self):
        right = manifests.load("companion.yaml")

        def wrong(number, *path, to):
            items = copy.deepcopy(right)
            place = items[number]
            for word in path[:-1]:
                place = place[word]
            place[path[-1]] = to
            return manifests.problems(items)

        for found in (
                wrong(0, "kind", to="Pod"), wrong(0, "apiVersion", to="v2"), wrong(0, "spec", to={}),
                wrong(0, "metadata", "label", to={}), wrong(0, "metadata", "name", to="Node_Keep"),
                wrong(0, "metadata", "name", to="other"),
                wrong(1, "metadata", "namespace", to="nowhere"), wrong(1, "rules", 0, "verbs", to=["creat"]),
                wrong(1, "rules", 0, "apiGroups", to=[""]), wrong(1, "rules", 0, "resourceNames", to=["x"]),
                wrong(1, "metadata", "name", to="renamed"), wrong(2, "roleRef", "kind", to="ClusterRole"),
                wrong(1, "rules", 0, "verbs", to=["get", True]), wrong(1, "rules", 0, "resourceNames", to=[10]),
                wrong(2, "subjects", to=[]), wrong(2, "subjects", 0, to={"kind": "Group", "name": "x"})):
            self.assertNotEqual(found, [])
        # In another namespace the name is free.
        self.assertEqual(wrong(4, "metadata", "name", to="nodekeep-companion"), [])


class CompanionTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        for name in ("node1", "node2"):
            self.server.create(node(name))
        self.server.apply(manifests.load("companion.yaml"))
        self.server.apply(manifests.load("companion-node.yaml", "node1"))
        self.companion = Client(
            self.server, *self.server.clients.issue("/O=nodekeep:companions/CN=nodekeep:node1"))
        self.uid = self.server.get("nodes", "node1")["metadata"]["uid"]

    def own_lease(self, name="nodekeep-node1"):
        value = lease(self.uid, holderIdentity="node1_installation")
        value["metadata"] |= {"name": name, "namespace": "nodekeep"}
        return value

    def test_what_a_companion_does(self):
        client = self.companion
        self.assertEqual(client.get(f"{NODES}/node1").json["metadata"]["uid"], self.uid)
        self.assertEqual(client.get(f"{OWN_LEASES}/nodekeep-node1").code, 404)
        created = client.post(OWN_LEASES, self.own_lease())
        self.assertEqual(created.code, 201, created)
        self.assertEqual(client.put(f"{OWN_LEASES}/nodekeep-node1", created.json).code, 200)
        before = self.server.get("nodes", "node1")["status"]
        answer = client.patch(f"{NODES}/node1/status", {"status": {"conditions": [CONDITION]}})
        self.assertEqual(answer.code, 200, answer)
        self.assertEqual(answer.json["status"]["conditions"], before["conditions"] + [CONDITION])
        made = client.post(EVENTS, event(self.uid))
        self.assertEqual(made.code, 201, made)
        self.assertEqual(client.patch(f"{EVENTS}/{made.json['metadata']['name']}", {"count": 2}).code, 200)
        # That was all it does, so it is all that it may.
        self.assertEqual(self.server.authorizer.unused(), set())

    def test_events_about_pods(self):
        value = event(self.uid)
        value["metadata"]["namespace"] = "team-a"
        value["involvedObject"] = {
            "apiVersion": "v1", "kind": "Pod", "namespace": "team-a", "name": "p",
            "uid": "11111111-2222-3333-4444-555555555555"}
        path = EVENTS.replace("default", "team-a")
        self.server.make_namespace("team-a")
        self.refused(self.companion.post(path, value), 403, "Forbidden")
        # As the manifest's comment has it.
        binding = next(item for item in manifests.load("companion.yaml")
                       if item["kind"] == "RoleBinding" and item["metadata"]["namespace"] == "default")
        self.server.apply([binding | {"metadata": {"name": "nodekeep-companion-events", "namespace": "team-a"}}])
        self.assertEqual(self.companion.post(path, value).code, 201)

    def test_what_a_companion_may_not(self):
        other = self.own_lease("nodekeep-node2")
        self.server.create(other, "nodekeep")
        for method, path, body in (
                ("GET", f"{LEASES}/node1", None), ("POST", LEASES, lease(self.uid)),
                ("PUT", f"{LEASES}/node1", lease(self.uid)), ("GET", f"{OWN_LEASES}/nodekeep-node2", None),
                ("PUT", f"{OWN_LEASES}/nodekeep-node2", other), ("GET", OWN_LEASES, None),
                ("DELETE", f"{OWN_LEASES}/nodekeep-node1", None), ("GET", NODES, None), ("GET", f"{NODES}/node2", None),
                ("POST", NODES, node("node3")), ("PATCH", f"{NODES}/node1", {}), ("DELETE", f"{NODES}/node1", None),
                ("PATCH", f"{NODES}/node2/status", {"status": {"conditions": [CONDITION]}}), ("GET", EVENTS, None),
                ("POST", REQUESTS, {}), ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {}),
                ("GET", f"{EVENTS}/x", None), ("POST", EVENTS.replace("default", "kube-system"), event(self.uid))):
            with self.subTest(f"{method} {path}"):
                self.refused(self.companion.send(method, path, body), 403, "Forbidden", 'User "nodekeep:node1" cannot')


class NodeTest(KubeAPITest):
    def test_from_a_token_to_a_node(self):
        self.server.apply(manifests.load("node.yaml"))
        self.server.tokens["ab12cd.0123456789abcdef"] = bootstrap_user("ab12cd", "system:bootstrappers:nodekeep")
        boot = Client(self.server, token="ab12cd.0123456789abcdef")
        key = self.directory / "client.key"

        def asked(name):
            text = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                           key, "-subj", "/O=system:nodes/CN=system:node:node7")
            return {
                "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
                "spec": {"request": base64.b64encode(text.encode()).decode(),
                         "usages": ["digital signature", "client auth"],
                         "signerName": "kubernetes.io/kube-apiserver-client-kubelet"}}

        def issued(client, name):
            self.assertEqual(client.post(REQUESTS, asked(name)).code, 201)
            text = wait_for(
                lambda: client.get(f"{REQUESTS}/{name}").json["status"].get("certificate"), 10, "a certificate")
            path = self.directory / f"{name}.crt"
            path.write_bytes(base64.b64decode(text))
            return Client(self.server, path, key)

        client = issued(boot, "first")
        answer = client.post(NODES, node("node7"))
        self.assertEqual(answer.code, 201, answer)
        uid = answer.json["metadata"]["uid"]
        self.assertEqual(client.post(LEASES, lease(uid, "node7")).code, 201)
        self.assertEqual(issued(client, "second").get(f"{LEASES}/node7").code, 200)
        self.assertEqual(self.server.authorizer.unused(), set())
        # Renewal is of one's own name.
        node7 = authenticated("system:node:node7", ("system:nodes",))
        for kind, is_allowed in (("selfnodeclient", True), ("nodeclient", False)):
            approval = Attributes("create", "certificates.k8s.io", "certificatesigningrequests", kind)
            self.assertEqual(self.server.authorizer.decide(node7, approval)[0], is_allowed, kind)
        # The token is good for requests only, and only with its own group.
        for path in (f"{NODES}/node7", REQUESTS, LEASES):
            self.refused(boot.get(path), 403, "Forbidden")
        self.server.tokens["other"] = bootstrap_user("other")
        self.refused(Client(self.server, token="other").post(REQUESTS, asked("third")), 403, "Forbidden")

    def test_reviews_need_the_other_manifest(self):
        account = authenticated("system:serviceaccount:kube-system:nodekeep", ())
        self.server.tokens["t"] = account
        client, review = Client(self.server, token="t"), {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}}
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        self.refused(client.post(path, review), 403, "Forbidden")
        self.server.apply(manifests.load("access.yaml"))
        self.assertEqual(client.post(path, review).code, 201)
