# SPDX-License-Identifier: Apache-2.0
"""A kubelet as the API server sees it, for tests of what happens beside one. Its requests are the recorded ones."""

import datetime

from .client import Client
from .testing import LEASES, NODES, node


class Kubelet:
    def __init__(self, server, name):
        self.server, self.name = server, name
        self.client = Client(server, *server.node_certificate(name))

    def register(self):
        """POST; where there is a Node already: its own annotation and labels into it, nothing else. Returns its uid."""
        own = node(self.name)
        answer = self.client.post(NODES, own)
        if answer.code == 409:
            metadata = {key: own["metadata"][key] for key in ("labels", "annotations")}
            answer = self.client.patch(f"{NODES}/{self.name}", {"metadata": metadata})
        return self.checked(answer)["metadata"]["uid"]

    def renew(self):
        """A found lease is renewed as it is, holder and annotations included; only duration and time are written."""
        path = f"{LEASES}/{self.name}"
        answer = self.client.get(path)
        if answer.code == 404:
            uid = self.checked(self.client.get(f"{NODES}/{self.name}"))["metadata"]["uid"]
            owner = {"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": uid}
            lease = {
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": self.name, "namespace": "kube-node-lease", "ownerReferences": [owner]},
                "spec": {"holderIdentity": self.name}}
            return self.checked(self.client.post(LEASES, self.stamped(lease)))
        return self.checked(self.client.put(path, self.stamped(self.checked(answer))))

    def report(self):
        """Writes its status over what is there: addresses, capacity for pods, conditions."""
        status = node(self.name)["status"]
        status["addresses"].append({"$patch": "replace"})
        return self.checked(self.client.patch(f"{NODES}/{self.name}/status", {"status": status}))

    @staticmethod
    def stamped(lease):
        now = datetime.datetime.now(datetime.timezone.utc)
        lease["spec"] |= {"leaseDurationSeconds": 40, "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        return lease

    @staticmethod
    def checked(answer):
        if answer.code >= 400:
            raise AssertionError(f"a kubelet's request failed: {answer}")
        return answer.json
