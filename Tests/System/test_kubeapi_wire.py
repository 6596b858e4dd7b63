# SPDX-License-Identifier: Apache-2.0
"""The test server beside a real one: recorded requests of a kubelet and of curl get the recorded answers."""

import copy

from kubeapi import service_account
from kubeapi.client import Client
from kubeapi.testing import LEASES, NODES, KubeAPITest, recorded, same_shape


class WireTest(KubeAPITest):
    # The kubelet's own events have no uid of their Node: a real server does not mind.
    is_strict = False

    def replay(self, name, change=None):
        """Sends the request of a recording (with its uid put right by `change`) and compares the answers."""
        recording = copy.deepcopy(recorded(name))
        request, response = recording["request"], recording["response"]
        if change is not None:
            change(request["body"], response["body"])
        method = {"create": "POST", "update": "PUT", "patch": "PATCH"}[request["verb"]]
        answer = self.client.send(method, request["uri"], request["body"])
        self.assertEqual(answer.code, response["code"], answer)
        self.assertEqual(same_shape(answer.json), same_shape(response["body"]))
        return answer.json

    def compare(self, answer, name):
        """The answer beside a recorded one: code, body, and the kind of its content."""
        recording = recorded(name)
        self.assertEqual(answer.code, recording["code"], answer)
        self.assertEqual(same_shape(answer.json), same_shape(recording["body"]))
        self.assertEqual(list(answer.json), list(recording["body"]))
        for header in ("content-type", "cache-control"):
            self.assertEqual(answer.headers[header], recording["headers"][header])

    def test_a_kubelets_first_minute(self):
        node = self.replay("node-create.json")
        uid, first = node["metadata"]["uid"], node["metadata"]["resourceVersion"]
        # A patch that says nothing moves nothing on.
        self.assertEqual(self.replay("node-status-patch-first.json")["metadata"]["resourceVersion"], first)
        self.replay("event-create-1.json")

        def owned(request, response):
            for value in (request, response):
                value["metadata"]["ownerReferences"][0]["uid"] = uid

        created = self.replay("lease-create.json", owned)["metadata"]

        def renewed(request, response):
            owned(request, response)
            request["metadata"] |= {"uid": created["uid"], "resourceVersion": created["resourceVersion"]}

        self.assertGreater(
            int(self.replay("lease-update.json", renewed)["metadata"]["resourceVersion"]),
            int(created["resourceVersion"]))
        patched = self.replay("node-status-patch-change.json")
        self.assertGreater(int(patched["metadata"]["resourceVersion"]), int(first))
        self.compare(
            self.client.patch(
                f"{NODES}/node1/status?fieldManager=x",
                {"status": {"conditions": [{"type": "Ready", "lastHeartbeatTime": "2026-11-21T00:52:00Z"}]}}),
            "node-condition-patch-200.http")

    def test_an_event_that_happens_again(self):
        request = recorded("event-patch.json")
        value = copy.deepcopy(request["response"]["body"])
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            del value["metadata"][field]
        value |= {"count": 1, "lastTimestamp": value["firstTimestamp"]}
        answer = self.client.post("/api/v1/namespaces/default/events", value)
        self.assertEqual(answer.code, 201, answer)
        self.replay("event-patch.json")

    def test_leases_that_are_refused(self):
        uid = self.register()
        value = recorded("lease-create.json")["request"]["body"]
        value["metadata"]["ownerReferences"][0]["uid"] = uid
        created = self.client.post(LEASES, value).json
        self.assertEqual(self.client.put(f"{LEASES}/node1", created).code, 200)
        moved = copy.deepcopy(created)
        moved["spec"]["renewTime"] = "2026-11-21T00:49:22.000000Z"
        self.assertEqual(self.client.put(f"{LEASES}/node1", moved).code, 200)
        self.compare(self.client.put(f"{LEASES}/node1", moved), "lease-conflict-409.http")
        del moved["metadata"]["resourceVersion"]
        self.compare(self.client.put(f"{LEASES}/node1", moved), "lease-no-resourceversion-422.http")
        value["spec"]["renewTime"] = "2026-11-21T00:49:32Z"
        self.compare(self.client.post(LEASES, value), "lease-of-another-403.http")

    def test_nodes_that_are_refused(self):
        self.register()
        self.compare(
            self.client.patch(f"{NODES}/node1", {"metadata": {"labels": {"node-restriction.kubernetes.io/x": "y"}}}),
            "node-label-restricted-403.http")
        self.compare(
            self.client.patch(f"{NODES}/node1", {}, kind="application/json"), "node-patch-wrong-type-415.http")
        admin = Client(self.server, *self.server.clients.issue("/O=system:masters/CN=admin"))
        self.compare(admin.get(f"{NODES}/nope"), "node-missing-404.http")

    def test_somebody_who_is_nobody(self):
        self.compare(Client(self.server, token="bad").get(f"{NODES}/node1"), "unauthorized-401.http")
        self.compare(Client(self.server).get(f"{NODES}/node1"), "unauthorized-anonymous.http")

    def test_reviews(self):
        user = service_account("default", "mon")
        self.server.tokens["TOKEN"] = type(user)(user.name, user.groups, "c748ef97-9c07-44f8-a286-3636827b61ab")
        self.server.apply([
            {"kind": "ClusterRole", "metadata": {"name": "cp"}, "rules": [
                {"apiGroups": [""], "resources": ["nodes/checkpoint"], "verbs": ["create"]}]},
            {"kind": "ClusterRoleBinding", "metadata": {"name": "cp"}, "roleRef": {"kind": "ClusterRole", "name": "cp"},
             "subjects": [{"kind": "ServiceAccount", "name": "mon", "namespace": "default"}]}])

        def asked(name):
            body = copy.deepcopy(recorded(name)["body"])
            del body["status"], body["metadata"]
            return body

        for name in ("tokenreview-good.http", "tokenreview-bad.http", "subjectaccessreview-allowed.http"):
            with self.subTest(name):
                path = ("/apis/authentication.k8s.io/v1/tokenreviews" if name.startswith("token") else
                        "/apis/authorization.k8s.io/v1/subjectaccessreviews")
                answer = self.client.post(path, asked(name))
                recording = recorded(name)
                # What one credential of a real server's user is called is not this server's.
                recording["body"]["status"].get("user", {}).pop("extra", None)
                self.assertEqual(answer.code, recording["code"])
                self.assertEqual(same_shape(answer.json), same_shape(recording["body"]))
        self.server.authorizer.bindings.pop()
        answer = self.client.post(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews", asked("subjectaccessreview-denied.http"))
        self.assertEqual(same_shape(answer.json), same_shape(recorded("subjectaccessreview-denied.http")["body"]))
