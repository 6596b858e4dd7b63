# SPDX-License-Identifier: Apache-2.0
"""The kubelet of the tests: it does to somebody else's Node and Lease what a real one does."""

from kubeapi.kubelet import Kubelet
from kubeapi.testing import LEASES, NODES, KubeAPITest, lease, node


class KubeletTest(KubeAPITest):
    def test_a_node_of_its_own(self):
        kubelet = Kubelet(self.server, "node1")
        uid = kubelet.register()
        first = kubelet.renew()
        self.assertEqual(first["metadata"]["ownerReferences"][0]["uid"], uid)
        second = kubelet.renew()
        self.assertEqual(second["metadata"]["uid"], first["metadata"]["uid"])
        self.assertGreater(second["spec"]["renewTime"], first["spec"]["renewTime"])
        self.assertEqual(kubelet.report()["status"]["capacity"]["pods"], "110")
        self.assertEqual(self.server.refused(), [record for record in self.server.refused(404)])

    def test_beside_somebody_else(self):
        other = node()
        other["metadata"]["annotations"]["nodekeep.dev/installation"] = "x"
        other["status"]["capacity"]["pods"] = other["status"]["allocatable"]["pods"] = "0"
        uid = self.client.post(NODES, other).json["metadata"]["uid"]
        self.client.post(LEASES, lease(uid, holderIdentity="node1_x"))
        kubelet = Kubelet(self.server, "node1")
        self.assertEqual(kubelet.register(), uid)
        self.assertEqual(kubelet.renew()["spec"]["holderIdentity"], "node1_x")
        after = kubelet.report()
        self.assertEqual(after["metadata"]["annotations"]["nodekeep.dev/installation"], "x")
        self.assertEqual(after["status"]["capacity"]["pods"], "110")

    def test_a_request_that_fails_is_no_secret(self):
        kubelet = Kubelet(self.server, "node1")
        with self.assertRaisesRegex(AssertionError, "not found"):
            kubelet.report()
