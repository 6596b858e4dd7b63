# SPDX-License-Identifier: Apache-2.0
"""The test server's rules for objects: what a wrong client is told."""

import copy

from kubeapi import authenticated
from kubeapi.client import MERGE, Client
from kubeapi.testing import EVENTS, LEASES, NODES, KubeAPITest, event, lease, node


class BodyTest(KubeAPITest):
    def test_the_type_of_a_body(self):
        for kind in ("text/plain", "application/vnd.kubernetes.protobuf", "application/strategic-merge-patch+json"):
            self.refused(self.client.post(NODES, node(), kind=kind), 415, "UnsupportedMediaType", "accepted media")
        self.refused(
            self.client.post(NODES, node(), headers={"Accept": "application/yaml"}), 406, "NotAcceptable")
        self.register()
        for kind in ("application/json", "application/json-patch+json", "application/apply-patch+yaml"):
            self.refused(self.client.patch(f"{NODES}/node1/status", {}, kind=kind), 415, "UnsupportedMediaType", "415")

    def test_json_that_is_none(self):
        for data, words in (
                (b"", "error decoding the body"), (b"{", "error decoding the body"), (b"[]", "the body is no Node"),
                (b'{"a":NaN}', "invalid character 'N'"), (b"\xff", "error decoding the body"),
                (b'{"kind":"Node","kind":"Node"}', 'duplicate field "kind"'),
                (b"[" * 100_000, "error decoding the body")):
            with self.subTest(data[:20]):
                self.refused(self.client.send("POST", NODES, data=data), 400, "BadRequest", words)

    def test_fields_that_do_not_exist(self):
        value = node()
        value["status"]["freeBeer"] = True
        self.refused(self.client.post(NODES, value), 400, "BadRequest", 'unknown field "status.freeBeer"')
        # Asked to, a real server warns, and leaves the field out.
        answer = self.client.post(f"{NODES}?fieldValidation=Warn", value)
        self.assertEqual(answer.code, 201, answer)
        self.assertEqual(answer.headers["Warning"], '299 - "unknown field \\"status.freeBeer\\""')
        self.assertNotIn("freeBeer", answer.json["status"])

    def test_values_of_another_type(self):
        uid = self.register()
        for change, words in (
                ({"leaseDurationSeconds": "40"},
                 "cannot unmarshal string into Go struct field spec.leaseDurationSeconds"),
                ({"leaseDurationSeconds": True}, "cannot unmarshal bool"),
                ({"leaseDurationSeconds": 1 << 31}, "of type int32"),
                ({"holderIdentity": 7}, "cannot unmarshal number"),
                ({"renewTime": "2026-11-21T00:49:02.1643Z"}, 'cannot parse ".1643Z" as ".000000"'),
                ({"renewTime": "2026-11-21T00:49:02.164360789Z"}, 'cannot parse "789Z" as "Z07:00"'),
                ({"renewTime": "2026-11-31T00:49:02.164360Z"}, "out of range"),
                ({"renewTime": "2026-11-21T00:49:02.164360+01:00"}, "should end with Z"),
                ({"renewTime": 1_700_000_000}, "cannot unmarshal number")):
            with self.subTest(words):
                self.refused(self.client.post(LEASES, lease(uid, **change)), 400, "BadRequest", words)

    def test_what_an_object_says_of_itself(self):
        uid = self.register()
        right = lease(uid)
        for change, words in (
                ({"kind": "Node"}, 'no kind "Node"'), ({"apiVersion": "v1"}, "does not match the expected API version"),
                ({"kind": ""}, "without kind"),
                ({"metadata": right["metadata"] | {"namespace": "default"}}, "namespace of the provided object")):
            with self.subTest(words):
                self.refused(self.client.post(LEASES, right | change), 400, "BadRequest", words)
        self.assertEqual(
            self.client.post(LEASES, right | {"metadata": right["metadata"] | {"resourceVersion": "7"}}).code, 500)
        created = self.client.post(LEASES, right).json
        other = copy.deepcopy(created)
        other["metadata"]["name"] = "node2"
        self.refused(self.client.put(f"{LEASES}/node1", other), 400, "BadRequest", "does not match the name on the URL")

    def test_what_is_too_large(self):
        value = node()
        value["metadata"]["annotations"]["a"] = "x" * (256 * 1024)
        self.refused(self.client.post(NODES, value), 422, "Invalid", "metadata.annotations: Too long")
        value["metadata"]["annotations"]["a"] = "x" * (3 * 1024 * 1024)
        self.refused(self.client.post(NODES, value), 413, "RequestEntityTooLarge", "limit is 3145728")

    def test_urls(self):
        self.register()
        self.refused(self.client.get(f"{NODES}/node1?timeout=soon"), 400, "BadRequest", "invalid timeout")
        self.refused(
            self.client.get(f"{NODES}/node1?tiemout=10s"), 400, "BadRequest", "unknown query parameter tiemout")
        self.assertEqual(self.client.get(f"{NODES}/node1?timeout=10s").code, 200)
        self.refused(self.client.post(f"{NODES}/node1", node()), 405, "MethodNotAllowed")
        self.assertEqual(self.client.get("/healthz").data, b"ok")


class LeaseTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        self.uid = self.register()

    def test_updates(self):
        created = self.client.post(LEASES, lease(self.uid)).json
        self.refused(self.client.post(LEASES, lease(self.uid)), 409, "AlreadyExists", '"node1" already exists')
        stale = copy.deepcopy(created)
        created["spec"]["renewTime"] = "2026-11-21T00:49:12.000001Z"
        moved = self.client.put(f"{LEASES}/node1", created)
        self.assertEqual(moved.code, 200, moved)
        self.refused(self.client.put(f"{LEASES}/node1", stale), 409, "Conflict", "the object has been modified")
        # The lease was deleted, and made again by somebody.
        self.server.delete("leases", "node1", "kube-node-lease")
        self.refused(self.client.put(f"{LEASES}/node1", moved.json), 409, "Conflict", "UID in precondition")
        self.client.post(LEASES, lease(self.uid))
        self.refused(self.client.put(f"{LEASES}/node1", moved.json), 409, "Conflict", "UID in precondition")

    def test_a_put_may_create(self):
        answer = self.client.put(f"{LEASES}/node1", lease(self.uid))
        self.assertEqual(answer.code, 201, answer)

    def test_what_is_invalid(self):
        for spec, field in (
                ({"leaseDurationSeconds": -1},
                 "spec.leaseDurationSeconds: Invalid value: -1: must be greater than 0"),
                ({"leaseTransitions": -1}, "spec.leaseTransitions"),
                ({"preferredHolder": "x"}, "spec.preferredHolder"), ({"strategy": "Best"}, "spec.strategy"),
                ({"holderIdentity": ""}, "spec.holderIdentity"), ({"renewTime": None}, "spec.renewTime")):
            with self.subTest(field):
                status = self.refused(self.client.post(LEASES, lease(self.uid, **spec)), 422, "Invalid", field)
                cause = status["details"]["causes"][0]["field"]
                self.assertTrue(field.startswith(cause.removesuffix(".strategy")), status)
        orphan = lease("11111111-2222-3333-4444-555555555555")
        self.refused(self.client.post(LEASES, orphan), 422, "Invalid", "there is no such Node")
        del orphan["metadata"]["ownerReferences"][0]["uid"]
        self.refused(self.client.post(LEASES, orphan), 422, "Invalid", "metadata.ownerReferences.uid")

    def test_a_namespace_that_is_missing(self):
        self.server.tokens["t"] = authenticated("admin", ("system:masters",))
        value = lease(self.uid)
        value["metadata"]["namespace"] = "nodekeep"
        path = "/apis/coordination.k8s.io/v1/namespaces/nodekeep/leases"
        admin = Client(self.server, token="t")
        self.refused(admin.post(path, value), 404, "NotFound", 'namespaces "nodekeep" not found')
        self.server.make_namespace("nodekeep")
        self.assertEqual(admin.post(path, value).code, 201)


class EventTest(KubeAPITest):
    def test_events(self):
        uid = self.register()
        answer = self.client.post(EVENTS, event(uid))
        self.assertEqual(answer.code, 201, answer)
        path = f"{EVENTS}/{answer.json['metadata']['name']}"
        again = {"count": 2, "lastTimestamp": "2026-11-21T00:49:51Z"}
        self.assertEqual(self.client.patch(path, again).json["count"], 2)
        self.refused(self.client.patch(path, {"count": 1}), 422, "Invalid", "count")
        self.refused(self.client.patch(path, {"reason": "Other"}), 422, "Invalid", "reason")
        self.refused(self.client.patch(f"{EVENTS}/gone", again), 404, "NotFound", 'events "gone" not found')
        for fields, words in (
                ({"type": "Error"}, "type"), ({"reason": ""}, "reason"), ({"message": "x" * 1025}, "message"),
                ({"count": 0}, "count"), ({"lastTimestamp": "2026-11-21T00:48:50Z"}, "lastTimestamp"),
                ({"source": {}}, "source.component"), ({"eventTime": "2026-11-21T00:48:50.000000Z"}, "action")):
            with self.subTest(words):
                self.refused(self.client.post(EVENTS, event(uid, "b", **fields)), 422, "Invalid", words)
        self.refused(self.client.post(EVENTS, event("node1", "b")), 422, "Invalid", "involvedObject.uid")
        astray = "/api/v1/namespaces/kube-system/events"
        value = event(uid, "b")
        value["metadata"]["namespace"] = "kube-system"
        self.refused(self.client.post(astray, value), 422, "Invalid", "does not match event.namespace")

    def test_merge_patch(self):
        uid = self.register()
        name = self.client.post(EVENTS, event(uid)).json["metadata"]["name"]
        self.assertEqual(self.client.patch(f"{EVENTS}/{name}", {"count": 3}, kind=MERGE).json["count"], 3)
