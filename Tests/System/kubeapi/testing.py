# SPDX-License-Identifier: Apache-2.0
"""What the tests of the server share: servers with a node's client, and objects that are right."""

import json
import pathlib
import shutil
import tempfile
import unittest

from . import KubeAPI
from .client import Client

TESTS = pathlib.Path(__file__).resolve().parents[2]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
NODES, EVENTS = "/api/v1/nodes", "/api/v1/namespaces/default/events"


def recorded(name):
    """A recorded answer: of *.json its "response" as well as its "request", of *.http the answer."""
    path = TESTS / "KubeTestServer" / "Wire" / name
    text = path.read_text()
    if path.suffix == ".json":
        return json.loads(text)
    head, _, body = text.partition("\n\n")
    lines = head.split("\n")
    headers = dict(line.split(": ", 1) for line in lines[2:])
    return {"asked": lines[0], "code": int(lines[1].split()[1]), "headers": headers, "body": json.loads(body)}


def same_shape(value):
    """Without what is another one each time, and without managedFields, which this server leaves out."""
    if isinstance(value, dict):
        return {key: "…" if key in ("uid", "resourceVersion", "creationTimestamp") else same_shape(item)
                for key, item in value.items() if key != "managedFields"}
    return [same_shape(item) for item in value] if isinstance(value, list) else value


def node(name="node1"):
    """A Node as the kubelet registers it."""
    value = recorded("node-create.json")["request"]["body"]
    value["metadata"]["name"] = value["metadata"]["labels"]["kubernetes.io/hostname"] = name
    return value


def lease(uid, name="node1", **spec):
    return {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": name, "namespace": "kube-node-lease",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}]},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": "2026-11-21T00:49:02.164360Z"} | spec}


def event(uid, name="node1.18e9e9047c0de1f3", **fields):
    value = recorded("event-create-1.json")["request"]["body"] | fields
    value["metadata"]["name"] = name
    value["involvedObject"]["uid"] = uid
    return value


class KubeAPITest(unittest.TestCase):
    """One server, with node1 registered and its client in `self.client`."""

    maxDiff = None
    is_strict = True

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-kubeapi-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = self.open_server()
        self.client = Client(self.server, *self.server.node_certificate("node1"))

    def open_server(self, **options):
        server = KubeAPI(self.directory / "server", strict=self.is_strict, **options)
        self.addCleanup(server.close)
        return server

    def register(self):
        """The uid of node1."""
        answer = self.client.post(NODES, node())
        self.assertEqual(answer.code, 201, answer)
        return answer.json["metadata"]["uid"]

    def refused(self, answer, code, reason, *words):
        """Checks that it is a Status with this code and reason, and with these words in its message."""
        self.assertEqual(answer.code, code, answer)
        status = answer.json
        self.assertEqual((status["kind"], status["status"], status["code"]), ("Status", "Failure", code), answer)
        self.assertEqual(status.get("reason"), reason, answer)
        for word in words:
            self.assertIn(word, status["message"], answer)
        return status
