# SPDX-License-Identifier: Apache-2.0
"""The test server on its bad days: each fault does what it says, and no more."""

import http.client
import ssl
import threading
import time

from kubeapi.client import Client
from kubeapi.testing import LEASES, NODES, KubeAPITest, lease
from pki import Authority


class FaultTest(KubeAPITest):
    def setUp(self):
        super().setUp()
        self.uid = self.register()

    def stored(self):
        return self.server.get("leases", "node1", "kube-node-lease")

    def test_answers(self):
        faults = self.server.faults
        for fault, code, kind in (
                (faults.unauthorized, 401, "application/json"), (faults.internal_error, 500, "application/json"),
                (lambda **where: faults.status(403, "Forbidden", "no", **where), 403, "application/json"),
                (lambda **where: faults.status(410, "Gone", "gone", **where), 410, "application/json"),
                (faults.unavailable, 503, "application/json"), (faults.too_many, 429, "text/plain; charset=utf-8"),
                (faults.html, 502, "text/html"), (lambda **where: faults.bare(409, **where), 409, "text/plain"),
                (faults.garbage, 200, "application/json")):
            fault(verb="create", plural="leases", times=1)
            answer = self.client.post(LEASES, lease(self.uid))
            self.assertEqual((answer.code, answer.headers["Content-Type"]), (code, kind))
            self.assertEqual(answer.headers["Retry-After"], "1" if code in (429, 503) else None)
            self.assertIsNone(self.stored(), "it took effect")
        # Each was for one time, and for nobody else.
        self.assertEqual(self.client.get(f"{NODES}/node1").code, 200)
        self.assertEqual(self.client.post(LEASES, lease(self.uid)).code, 201)

    def test_a_timeout_after_the_fact(self):
        self.server.faults.timeout(plural="leases")
        self.assertEqual(self.client.post(LEASES, lease(self.uid)).code, 504)
        self.assertIsNotNone(self.stored())
        self.server.faults.clear()
        self.assertEqual(self.client.get(f"{LEASES}/node1").code, 200)

    def test_answers_that_are_cut(self):
        self.server.faults.cut_body(verb="create")
        with self.assertRaises((http.client.IncompleteRead, ssl.SSLError, OSError)):
            self.client.post(LEASES, lease(self.uid))
        self.assertIsNotNone(self.stored())
        self.server.faults.clear()
        for is_processed in (False, True):
            before = self.stored()["metadata"]["resourceVersion"]
            value = self.stored()
            value["spec"]["renewTime"] = f"2026-11-21T00:50:0{int(is_processed)}.000000Z"
            self.server.faults.cut_answer(is_processed, verb="update")
            with self.assertRaises((http.client.RemoteDisconnected, ssl.SSLError, OSError)):
                self.client.put(f"{LEASES}/node1", value)
            self.server.faults.clear()
            self.assertEqual(self.stored()["metadata"]["resourceVersion"] != before, is_processed)

    def test_a_server_that_hangs_or_is_slow(self):
        self.server.faults.slow(0.5, verb="get")
        began = time.monotonic()
        self.assertEqual(self.client.get(f"{NODES}/node1").code, 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        self.server.faults.clear()
        self.server.faults.hang(verb="get")
        self.client.timeout = 1
        with self.assertRaises(TimeoutError):
            self.client.get(f"{NODES}/node1")
        self.client.timeout = 10
        threading.Timer(0.3, self.server.faults.release).start()
        with self.assertRaises((http.client.RemoteDisconnected, ssl.SSLError, OSError)):
            self.client.get(f"{NODES}/node1")

    def test_a_server_that_goes_and_comes_back(self):
        kept = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=5, context=self.client.context)
        self.addCleanup(kept.close)
        head = {"User-Agent": "test"}
        kept.request("GET", f"{NODES}/node1", headers=head)
        kept.getresponse().read()
        self.server.stop()
        with self.assertRaises(ConnectionRefusedError):
            self.client.get(f"{NODES}/node1")
        with self.assertRaises((http.client.HTTPException, OSError)):
            kept.request("GET", f"{NODES}/node1", headers=head)
            kept.getresponse()
        self.server.start()
        self.assertEqual(self.client.get(f"{NODES}/node1").json["metadata"]["uid"], self.uid)

    def test_another_certificate_of_the_server(self):
        self.server.serve_with(*self.server.servers.issue(
            "/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1", begins="20200101000000Z",
            ends="20210101000000Z"))
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "expired"):
            self.client.get("/healthz")
        others = Authority(self.directory, "others")
        self.server.serve_with(*others.issue("/CN=kube-apiserver", usage="serverAuth", names="IP:127.0.0.1"))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.client.get("/healthz")

    def test_the_record_of_what_was_asked(self):
        before = len(self.server.requests)
        self.client.post(LEASES, lease(self.uid))
        self.server.faults.internal_error(plural="leases")
        self.client.get(f"{LEASES}/node1")
        Client(self.server).get(f"{NODES}/node1")
        shown = [str(record) for record in self.server.requests[before:]]
        self.assertEqual(shown, [
            "create leases kube-node-lease -> 201 (system:node:node1)", "get leases kube-node-lease/node1 -> 500 ()",
            "get nodes node1 -> 403 (system:anonymous)"])
        self.assertEqual([record.code for record in self.server.refused()], [403])
        record = self.server.requests_of("create", "leases")[0]
        self.assertEqual(record.body["spec"]["holderIdentity"], "node1")
        self.assertGreater(record.received, len(record.data))
        self.assertGreater(record.sent, len(record.answer))
        traffic = self.server.traffic()
        self.assertEqual({key: count for key, (count, _, _) in traffic.items()}, {
            ("create", "nodes"): 1, ("create", "leases"): 1, ("get", "leases"): 1, ("get", "nodes"): 1})
        self.assertEqual(traffic["create", "leases"][1:], (record.received, record.sent))
        last = self.server.requests[-1].time
        self.assertEqual(self.server.traffic(since=last), {("get", "nodes"): traffic["get", "nodes"]})
