# SPDX-License-Identifier: Apache-2.0
"""A client certificate from the cluster: asked for with a bootstrap token, used, renewed, refused, and over."""

import base64
import datetime
import http.client
import pathlib
import ssl
import time

import manifests
from heartbeat_case import NODE, HeartbeatTest
from kubeapi import bootstrap_user
from kubeapi.csr import KUBELET_CLIENT
from pki import openssl
from support import free_port, wait_for

TOKEN = "abcdef.0123456789abcdef"
BOOTSTRAP, ITSELF = "system:bootstrap:abcdef", f"system:node:{NODE}"
PLURAL = "certificatesigningrequests"
EXPIRATION = "nodekeep_client_certificate_expiration_timestamp_seconds"
ISSUED = 'nodekeep_client_certificate_requests_total{result="issued"}'
FAILED = 'nodekeep_client_certificate_requests_total{result="failed"}'


def public_key(text, kind):
    """Of a request ("req") or a certificate ("x509")."""
    return openssl(kind, "-noout", "-pubkey", stdin=text)


class CertificatesTest(HeartbeatTest):
    def setUp(self):
        super().setUp()
        self.server.tokens[TOKEN] = bootstrap_user("abcdef", "system:bootstrappers:nodekeep")
        self.server.apply(manifests.load("node.yaml", NODE))
        self.bootstrap = self.server.kubeconfig(self.directory / "bootstrap.conf", token=TOKEN)
        self.own = self.directory / "own.conf"

    def joining(self, extra=""):
        return self.agent(
            f"hostnameOverride: {NODE}\nkubeconfig: {self.own}\n"
            f"cluster: {{role: node, bootstrapKubeconfig: {self.bootstrap}}}\n{extra}")

    def again(self, agent):
        """Ends it and starts it again, with what it has kept."""
        self.end(agent)
        agent.start()
        agent.wait_until_ready()

    def end(self, agent):
        agent.process.terminate()
        self.assertEqual(agent.process.wait(5), 0)

    def requests(self):
        return self.server.store.list(PLURAL)

    def request(self):
        """The one that there is."""
        wait_for(self.requests, 10, "a request")
        self.assertEqual(len(self.requests()), 1)
        return self.requests()[0]

    def shown(self, agent):
        return agent.json("/status")["lease"]["certificate"]

    def file(self, agent):
        return agent.state_directory / "client-current.pem"

    def end_of(self, path):
        """When the certificate in a file ends, in seconds of the wall clock."""
        line = openssl("x509", "-noout", "-enddate", "-in", path).strip()
        return ssl.cert_time_to_seconds(line.removeprefix("notAfter="))

    def check_private(self, path):
        found = path.lstat()
        self.assertEqual((found.st_mode, found.st_uid), (0o100600, 0), path)

    def wait_for_node(self, agent, seconds=20):
        wait_for(lambda: self.node() and self.lease(), seconds, f"Node and lease\n{agent.output()[-3000:]}")

    def wait_for_renewal(self, seconds=15):
        before = self.lease()["spec"]["renewTime"]
        wait_for(lambda: self.lease()["spec"]["renewTime"] != before, seconds, "a renewal")

    def asked(self, since=0):
        """{(who, verb, what)} of everything that was asked and answered: before that nobody knows who it is."""
        return {(record.user, record.target.verb, record.target.what) for record in self.server.requests[since:]
                if record.code is not None}

    def test_nothing_is_sent_before_somebody_approves(self):
        self.server.approver.is_on = False
        agent = self.joining()
        request = self.request()
        name, spec = request["metadata"]["name"], request["spec"]
        self.assertRegex(name, r"^node-csr-[\w-]{43}$")
        self.assertEqual(spec["signerName"], KUBELET_CLIENT)
        self.assertEqual(spec["usages"], ["digital signature", "client auth"])
        self.assertEqual(spec["username"], BOOTSTRAP)
        self.assertEqual(self.server.api.requests.subject(request), (ITSELF, ["system:nodes"], False))
        text = base64.b64decode(spec["request"]).decode()
        self.assertIn("prime256v1", openssl("req", "-noout", "-text", stdin=text))
        wait_for(lambda: self.shown(agent).get("awaits") == name, 5, "what it waits for")
        status = agent.json("/status")["lease"]
        self.assertEqual(status["problem"], "there is no client certificate yet")
        self.assertEqual(set(status["certificate"]), {"awaits"})
        self.assertIn(f"the request {name} waits for approval", agent.get("/").body.decode())

        # Looked at less and less often, and nothing else is asked for.
        wait_for(lambda: len(self.server.requests_of("get", PLURAL)) >= 3, 10, "looks")
        looks = [record.time for record in self.server.requests_of("get", PLURAL)]
        first, second = looks[1] - looks[0], looks[2] - looks[1]
        self.assertTrue(0.95 <= looks[0] - self.server.requests[0].time <= 3 and first * 1.05 < second, looks)
        metrics = agent.metrics()
        self.assertEqual((metrics[ISSUED], metrics[FAILED]), (0, 0))
        self.assertNotIn(EXPIRATION, metrics)
        self.assertFalse(self.own.exists() or self.file(agent).exists())
        self.check_private(agent.state_directory / "client-pending.key")

        # Started again it waits for the same one.
        self.again(agent)
        wait_for(lambda: self.shown(agent).get("awaits") == name, 5, "what it waits for")
        self.assertEqual(len(self.requests()), 1)
        self.assertEqual(self.asked(), {(BOOTSTRAP, "create", PLURAL), (BOOTSTRAP, "get", PLURAL)})

        count = len(self.server.requests)
        self.server.approver.approve(name)
        self.wait_for_node(agent)
        self.assertEqual(
            {(who, verb) for who, verb, what in self.asked(count) if what == PLURAL}, {(BOOTSTRAP, "get")})
        self.assertEqual({who for who, _, what in self.asked(count) if what != PLURAL}, {ITSELF})
        # The create that found the request of before is the only refusal.
        self.assertEqual([record.code for record in self.server.refused(400, 401, 403, 409, 415, 422)], [409])

        path = self.file(agent)
        for file in (path, self.own):
            self.check_private(file)
        self.assertFalse((agent.state_directory / "client-pending.key").exists())
        self.assertEqual(public_key(path.read_text(), "x509"), public_key(text, "req"))
        self.assertEqual(self.own.read_text().count(f'"{path}"'), 2)
        self.assertNotIn(TOKEN, self.own.read_text() + agent.output() + agent.get("/status").body.decode())
        # The page is made anew once a second.
        wait_for(lambda: set(self.shown(agent)) == {"expires", "renewal"}, 5, "the page shows what it has")
        shown = self.shown(agent)
        end = datetime.datetime.fromisoformat(shown["expires"].replace("Z", "+00:00")).timestamp()
        self.assertEqual(end, self.end_of(path))
        metrics = agent.metrics()
        self.assertEqual((metrics[ISSUED], metrics[FAILED], metrics[EXPIRATION]), (1, 0, end))
        self.assertNotIn("problem", agent.json("/status")["lease"])

    def test_started_again_it_asks_for_nothing(self):
        agent = self.joining()
        self.wait_for_node(agent)
        self.assertEqual(self.request()["spec"]["username"], BOOTSTRAP)
        count, before = len(self.server.requests), self.file(agent).read_bytes()
        uid = self.node()["metadata"]["uid"]
        self.again(agent)
        self.wait_for_renewal()
        self.assertEqual({who for who, _, _ in self.asked(count)}, {ITSELF})
        self.assertEqual([what for _, _, what in self.asked(count) if what == PLURAL], [])
        self.assertEqual(self.file(agent).read_bytes(), before)
        self.assertEqual(self.node()["metadata"]["uid"], uid)
        metrics = agent.metrics()
        self.assertEqual((metrics[ISSUED], metrics[EXPIRATION]), (0, self.end_of(self.file(agent))))

        # A kubeconfig that got lost is written again, without another certificate.
        self.own.unlink()
        self.again(agent)
        wait_for(self.own.exists, 10, "the kubeconfig")
        self.check_private(self.own)
        self.wait_for_renewal()
        self.assertEqual(len(self.requests()), 1)
        self.assertNothingWasRefused()

    def test_one_that_is_denied(self):
        self.server.approver.is_on = False
        agent = self.joining()
        name = self.request()["metadata"]["name"]
        self.server.approver.deny(name, "no such machine")
        wait_for(lambda: "was denied" in self.shown(agent).get("problem", ""), 10, "what has become of it")
        shown = self.shown(agent)
        self.assertIn(name, shown["problem"])
        self.assertIn("no such machine", shown["problem"])
        self.assertNotIn("awaits", shown)
        self.assertEqual(agent.json("/status")["lease"]["problem"], shown["problem"])
        self.assertEqual(agent.get("/readyz").status, 200)

        # Tried again after 2 s, 4 s, and so on: the same name, so no second request.
        count, begin = len(self.server.requests), time.monotonic()
        wait_for(lambda: agent.metrics()[FAILED] >= 3, 12, "failures")
        self.assertGreater(time.monotonic() - begin, 5)
        self.assertLessEqual(len(self.server.requests) - count, 6)
        self.assertEqual(agent.metrics()[ISSUED], 0)
        self.assertEqual(len(self.requests()), 1)
        self.assertEqual(agent.output().count("was denied"), 1)

        # As the text says: deleted, it is made again.
        self.server.delete(PLURAL, name)
        self.server.approver.is_on = True
        self.wait_for_node(agent)
        self.assertEqual(set(self.shown(agent)), {"expires", "renewal"})

    def test_it_is_renewed_before_it_ends(self):
        # A renewal is not asked for within a minute of the one before.
        self.server.approver.lifetime = 75
        agent = self.joining()
        self.wait_for_node(agent)
        self.server.approver.lifetime = None
        first = self.request()
        path = self.file(agent)
        old, end = path.read_bytes(), self.end_of(path)
        self.assertEqual(agent.metrics()[EXPIRATION], end)
        wait_for(lambda: path.read_bytes() != old, 80, "another certificate")
        self.assertLess(time.time(), end)
        self.check_private(path)
        second = next(item for item in self.requests() if item["metadata"]["name"] != first["metadata"]["name"])
        self.assertEqual(len(self.requests()), 2)
        self.assertEqual(second["spec"]["username"], ITSELF)
        self.assertEqual(self.server.api.requests.subject(second), (ITSELF, ["system:nodes"], False))
        keys = {public_key(base64.b64decode(item["spec"]["request"]).decode(), "req") for item in (first, second)}
        self.assertEqual(len(keys), 2)

        # The heartbeat goes on, and has gone on, with neither of them over.
        wait_for(lambda: time.time() > end + 0.5, 30, "the end of the first one")
        self.wait_for_renewal()
        renewals = self.server.requests_of("update", "leases")
        self.assertEqual({record.code for record in renewals if record.code is not None}, {200})
        self.assertLess(max(b.time - a.time for a, b in zip(renewals, renewals[1:])), 11.5)
        self.assertEqual([str(record) for record in self.server.refused()
                          if (record.target.verb, record.code) != ("get", 404)], [])
        metrics = agent.metrics()
        self.assertEqual(metrics['nodekeep_lease_renewals_total{result="failed"}'], 0)
        self.assertEqual((metrics[ISSUED], metrics[FAILED]), (2, 0))
        self.assertEqual(metrics[EXPIRATION], self.end_of(path))
        self.assertGreater(metrics[EXPIRATION], end)

    def test_one_that_ended_while_the_agent_was_off(self):
        """As a kubelet: the bootstrap token is used again."""
        self.server.approver.lifetime = 20
        agent = self.joining()
        self.wait_for_node(agent)
        self.server.approver.lifetime = None
        uid, old, end = self.node()["metadata"]["uid"], self.own.read_bytes(), self.end_of(self.file(agent))
        self.end(agent)
        wait_for(lambda: time.time() > end + 0.5, 30, "its end")

        # A token is short-lived as well: when it is no good any more, that is said, and tried now and then.
        user = self.server.tokens.pop(TOKEN)
        count = len(self.server.requests)
        agent.start()
        agent.wait_until_ready()
        wait_for(lambda: "401" in self.shown(agent).get("problem", "")
                 or "nauthorized" in self.shown(agent).get("problem", ""), 10, "what is wrong")
        self.assertTrue({record.target.what for record in self.server.requests[count:]} == {PLURAL})
        self.assertLessEqual(len(self.server.requests) - count, 4)
        self.assertEqual(agent.metrics()[EXPIRATION], end)

        self.server.tokens[TOKEN] = user
        before = self.lease()["spec"]["renewTime"]
        wait_for(lambda: self.lease()["spec"]["renewTime"] != before, 30, f"a renewal\n{agent.output()[-3000:]}")
        self.assertEqual([item["spec"]["username"] for item in self.requests()], [BOOTSTRAP, BOOTSTRAP])
        self.assertEqual(self.node()["metadata"]["uid"], uid)
        self.assertGreater(self.end_of(self.file(agent)), end + 3600)
        self.assertEqual(self.own.read_bytes(), old)
        self.assertEqual(agent.metrics()[ISSUED], 1)

    def test_a_server_that_comes_later(self):
        self.server.stop()
        agent = self.joining()
        wait_for(lambda: "refused" in self.shown(agent).get("problem", "").lower(), 10, "what is wrong")
        self.assertEqual(agent.get("/readyz").status, 200)
        self.server.start()
        self.wait_for_node(agent, 30)
        wait_for(lambda: "problem" not in self.shown(agent), 5, "no problem any more")

    def test_somebody_elses_kubeconfig_is_not_written_over(self):
        self.own = pathlib.Path(self.kubeconfig())
        before = self.own.read_bytes()
        agent = self.joining()
        wait_for(lambda: str(self.own) in self.shown(agent).get("problem", ""), 5, "what is wrong")
        self.assertIn("client-certificate and client-key must be", self.shown(agent)["problem"])
        self.assertEqual(self.own.read_bytes(), before)
        self.assertEqual(self.server.requests, [])

    def test_a_main_listener_that_asks_the_same_server(self):
        """It has the kubeconfig that is yet to come; whoever waits for the other waits for ever."""
        port = free_port()
        agent = self.joining(
            f"address: 127.0.0.1\nport: {port}\nauthentication: {{webhook: {{enabled: true}}}}\n"
            "authorization: {mode: Webhook}\n")
        self.wait_for_node(agent)
        self.assertEqual(agent.get("/readyz").status, 200)
        self.server.apply(manifests.load("access.yaml"))

        def answers():
            connection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=5, context=ssl._create_unverified_context())
            try:
                connection.request("GET", "/status", headers={"Authorization": "Bearer nobodys"})
                return connection.getresponse().status
            except OSError:
                return None
            finally:
                connection.close()
        wait_for(lambda: answers() == 401, 30, f"a main listener\n{agent.output()[-3000:]}")
