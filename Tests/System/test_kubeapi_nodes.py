# SPDX-License-Identifier: Apache-2.0
"""The test server's Nodes: registration, strategic merge patches, and what NodeRestriction keeps a node from."""

from kubeapi import values
from kubeapi.client import Client
from kubeapi.testing import LEASES, NODES, KubeAPITest, lease, node

STATUS = f"{NODES}/node1/status"
READY = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
         "lastHeartbeatTime": "2026-11-21T00:50:00Z", "lastTransitionTime": "2026-11-21T00:50:00Z"}


class RegistrationTest(KubeAPITest):
    def test_taints_and_labels(self):
        value = node()
        value["spec"]["taints"] = [{"key": "nodekeep.dev/no-pods", "effect": "NoExecute"}]
        value["metadata"]["labels"] |= {
            "example.com/rack": "7", "topology.kubernetes.io/zone": "eu-1", "a.node.kubernetes.io/b": "",
            "notk8s.io/c": ""}
        taints = self.client.post(NODES, value).json["spec"]["taints"]
        self.assertEqual([taint["key"] for taint in taints], ["nodekeep.dev/no-pods", "node.kubernetes.io/not-ready"])
        self.refused(self.client.post(NODES, value), 409, "AlreadyExists", 'nodes "node1" already exists')
        self.refused(
            self.client.patch(f"{NODES}/node1", {"spec": {"taints": []}}), 403, "Forbidden",
            'node "node1" is not allowed to modify taints')

    def test_labels_that_a_node_may_not_set(self):
        for label in ("node-role.kubernetes.io/worker", "kubernetes.io/role", "a.k8s.io/b",
                      "node-restriction.kubernetes.io/x", "eu.node-restriction.kubernetes.io/x",
                      "mynode.kubernetes.io/x"):
            value = node()
            value["metadata"]["labels"][label] = "x"
            with self.subTest(label):
                self.refused(
                    self.client.post(NODES, value), 403, "Forbidden",
                    f"is not allowed to set the following labels: {label}")

    def test_another_node(self):
        self.refused(
            self.client.post(NODES, node("node2")), 403, "Forbidden",
            'node "node1" is not allowed to modify node "node2"')
        self.refused(self.client.get(f"{NODES}/node2"), 403, "Forbidden", "only its own Node object")

    def test_what_is_invalid(self):
        def change(path, to):
            value = node()
            *way, last = path.split(".")
            place = value
            for word in way:
                place = place[int(word) if isinstance(place, list) else word]
            place[last] = to
            return value

        for path, to, words in (
                ("metadata.name", "Node_1", "metadata.name"), ("metadata.labels.x", "not a label!", "metadata.labels"),
                ("spec.taints", [{"key": "a b", "effect": "NoExecute"}], "metadata.taints[0].key"),
                ("spec.taints", [{"key": "a", "effect": "Never"}], "Unsupported value"),
                ("spec.taints", [{"key": "a", "effect": "NoExecute"}] * 2, "unique by key and effect"),
                ("status.capacity.cpu", "-1", "greater than or equal to 0"),
                ("status.capacity.pods", "0.5", "must be an integer"),
                ("status.capacity.bananas", "1", "must be a standard resource type"),
                ("status.allocatable.memory", "1Ti", "more than there is"),
                ("status.nodeInfo.kubeletVersion", "1.36", "a version with a v"),
                ("status.conditions.0.status", "true", "True, False or Unknown"),
                ("status.conditions.0.reason", "no reason", "CamelCase"),
                ("status.conditions.1.type", "MemoryPressure", "Duplicate value"),
                ("status.conditions.0.lastTransitionTime", None, "a condition has it"),
                ("status.addresses.0.type", "IP", "no known type")):
            with self.subTest(words):
                value = change(path, to)
                answer = self.client.post(NODES, value)
                if path == "metadata.name":
                    self.refused(answer, 403, "Forbidden")  # Admission comes first.
                    admin = Client(self.server, *self.server.clients.issue("/O=system:masters/CN=admin"))
                    answer = admin.post(NODES, value)
                self.refused(answer, 422, "Invalid", words)
        self.refused(
            self.client.post(NODES, change("status.capacity.memory", "1 GB")), 400, "BadRequest", "quantities must")
        self.refused(
            self.client.post(NODES, change("status.conditions.0.lastHeartbeatTime", "2026-11-21T00:48:52.5Z")), 400,
            "BadRequest", "whole seconds")

    def test_quantities_are_stored_in_their_own_words(self):
        for given, stored in (
                ("1024Ki", "1Mi"), ("24684092Ki", "24684092Ki"), ("512Ki", "512Ki"), ("0.5Ki", "512"), ("1000", "1k"),
                ("243497856212", "243497856212"), ("0", "0"), ("0Gi", "0"), ("1500m", "1500m"), ("2000m", "2"),
                ("1e3", "1e3"), ("12E", "12E"), ("0.1n", "1n"), ("1.5Gi", "1536Mi"), ("100M", "100M")):
            self.assertEqual(values.quantity(given)[1], stored, given)


class PatchTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        self.register()

    def status(self, patch, code=200):
        answer = self.client.patch(STATUS, {"status": patch})
        self.assertEqual(answer.code, code, answer)
        return answer.json.get("status")

    def test_conditions_are_merged_by_their_type(self):
        before = self.server.get("nodes", "node1")["status"]["conditions"]
        after = self.status({"conditions": [READY]})["conditions"]
        self.assertEqual(after, before[:3] + [READY])
        own = READY | {"type": "nodekeep.dev/MemoryPressure", "status": "False"}
        self.assertEqual(self.status({"conditions": [own]})["conditions"], after + [own])
        ordered = self.status({
            "$setElementOrder/conditions": [{"type": own["type"]}, {"type": "Ready"}], "conditions": [own, READY]})
        kinds = [condition["type"] for condition in ordered["conditions"]]
        self.assertLess(kinds.index(own["type"]), kinds.index("Ready"))
        self.assertEqual(len(kinds), 5)
        gone = self.status({"conditions": [{"$patch": "delete", "type": own["type"]}]})["conditions"]
        self.assertNotIn(own["type"], [condition["type"] for condition in gone])
        answer = self.client.patch(STATUS, {"status": {
            "$setElementOrder/conditions": [{"type": "Ready"}, {"type": "DiskPressure"}],
            "conditions": [{"type": "DiskPressure"}, {"type": "Ready"}]}})
        self.refused(answer, 400, "BadRequest", "The order in patch list")
        self.refused(
            self.client.patch(STATUS, {"status": {"conditions": [{"status": "True"}]}}), 400, "BadRequest",
            "declared merge key: type")

    def test_addresses_need_the_directive(self):
        two = [{"type": "InternalIP", "address": "192.0.2.2"}, {"type": "InternalIP", "address": "2001:db8::2"},
               {"type": "Hostname", "address": "node1"}]
        # Without it the second address of the type takes the first one's place, whatever was meant.
        self.assertEqual(
            self.status({"addresses": two})["addresses"], [{"type": "InternalIP", "address": "2001:db8::2"}, two[2]])
        self.assertEqual(self.status({"addresses": [*two, {"$patch": "replace"}]})["addresses"], two)
        one = [{"type": "InternalIP", "address": "192.0.2.3"}]
        self.assertEqual(self.status({"addresses": [*one, {"$patch": "replace"}]})["addresses"], one)
        # With nothing there to replace the directive is dropped.
        self.server.edit("nodes", "node1", lambda value: value["status"].pop("addresses"))
        self.assertEqual(self.status({"addresses": [*two, {"$patch": "replace"}]})["addresses"], two)
        answer = self.client.patch(STATUS, {"status": {"addresses": [*one, *one, {"$patch": "replace"}]}})
        self.refused(answer, 422, "Invalid", "status.addresses[1]: Duplicate value")

    def test_maps_lists_and_nulls(self):
        capacity = self.status({"capacity": {"hugepages-2Mi": None, "memory": "1024Ki"},
                                "allocatable": {"hugepages-2Mi": None, "memory": "1Mi"}})["capacity"]
        self.assertNotIn("hugepages-2Mi", capacity)
        self.assertEqual(capacity["memory"], "1Mi")
        self.assertEqual(capacity["cpu"], "2")
        images = self.status({"images": [{"names": ["a"], "sizeBytes": 1}]})["images"]
        self.assertEqual(images, [{"names": ["a"], "sizeBytes": 1}])
        self.assertNotIn("images", self.status({"images": None}))

    def test_patches_that_are_wrong(self):
        for patch, code, words in (
                ({"status": {"conditions": "none"}}, 422, "cannot unmarshal string"),
                ({"status": {"freeBeer": 1}}, 422, 'unknown field "status.freeBeer"'),
                ({"status": {"capacity": {"cpu": "many"}}}, 422, "quantities must match"),
                ({"spec": {"unschedulable": True}}, 400, "a change of spec"),
                ({"status": {"conditions": [{"$patch": "merge", "type": "Ready"}]}}, 400, "merging lists cannot"),
                ({"metadata": {"uid": "11111111-2222-3333-4444-555555555555"}}, 422, "metadata.uid"),
                ({"metadata": {"name": "node2"}}, 422, "metadata.name"),
                ({"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified")):
            with self.subTest(words):
                reason = {400: "BadRequest", 409: "Conflict", 422: "Invalid"}[code]
                self.refused(self.client.patch(STATUS, patch), code, reason, words)
        self.refused(
            self.client.patch(f"{NODES}/node1", {"status": {"phase": "x"}}), 400, "BadRequest", "a change of status")
        self.server.delete("nodes", "node1")
        self.refused(self.client.patch(STATUS, {}), 404, "NotFound", 'nodes "node1" not found')

    def test_labels_ride_along_with_a_status(self):
        answer = self.client.patch(STATUS, {"metadata": {"labels": {"example.com/rack": "8"}}})
        self.assertEqual(answer.json["metadata"]["labels"]["example.com/rack"], "8")
        self.refused(
            self.client.patch(STATUS, {"metadata": {"labels": {"kubernetes.io/role": "x"}}}), 403, "Forbidden",
            "is not allowed to modify labels: kubernetes.io/role")

    def test_what_says_nothing_moves_nothing_on(self):
        before = self.server.get("nodes", "node1")["metadata"]["resourceVersion"]
        self.client.patch(STATUS, {"status": {"conditions": []}})
        self.assertEqual(self.server.get("nodes", "node1")["metadata"]["resourceVersion"], before)
        self.status({"conditions": [READY]})
        self.assertNotEqual(self.server.get("nodes", "node1")["metadata"]["resourceVersion"], before)

    def test_a_node_that_goes_takes_its_lease_along(self):
        uid = self.server.get("nodes", "node1")["metadata"]["uid"]
        self.assertEqual(self.client.post(LEASES, lease(uid)).code, 201)
        self.server.delete("nodes", "node1")
        self.assertEqual(self.client.get(f"{LEASES}/node1").code, 404)
