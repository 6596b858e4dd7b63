# SPDX-License-Identifier: Apache-2.0
"""The heartbeat of the built agent: into files, and against an API server over TLS in both roles."""

import datetime
import json
import time

from heartbeat_case import NODE, HeartbeatTest
from kubeapi import User
from kubeapi.kubelet import Kubelet
from support import AgentTest, wait_for


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class FilesTest(AgentTest):
    """Role none, which nobody has to configure."""

    def lease(self, agent):
        return json.loads((agent.run_directory / "lease.json").read_text())

    def test_the_lease_is_renewed_every_ten_seconds_and_shown(self):
        agent = self.agent()
        wait_for((agent.run_directory / "lease.json").exists, 5, "the lease")
        first = self.lease(agent)
        self.assertEqual(first["kind"], "Lease")
        self.assertRegex(first["spec"]["renewTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(first["spec"]["leaseDurationSeconds"], 40)
        wait_for(lambda: self.lease(agent)["spec"]["renewTime"] != first["spec"]["renewTime"], 15, "a renewal")
        second = self.lease(agent)
        apart = (moment(second["spec"]["renewTime"]) - moment(first["spec"]["renewTime"])).total_seconds()
        self.assertTrue(9.9 <= apart <= 11.5, apart)
        self.assertEqual(second["spec"]["holderIdentity"], first["spec"]["holderIdentity"])
        # The file is there before the agent has heard that it is safe on the disk.
        wait_for(lambda: agent.json("/status")["lease"]["lease"]["renewTime"] == second["spec"]["renewTime"], 5,
                 "the renewal is shown")
        shown = agent.json("/status")["lease"]
        self.assertEqual(shown["role"], "none")
        self.assertNotIn("problem", shown)
        metrics = agent.metrics()
        self.assertEqual(metrics['nodekeep_lease_renewals_total{result="ok"}'], 2)
        self.assertEqual(metrics['nodekeep_lease_duration_seconds'], 40)

    def test_the_status_is_written_when_it_changes_and_not_otherwise(self):
        agent = self.agent()
        path = agent.state_directory / "node-status.json"
        wait_for(path.exists, 5, "the status")
        node = json.loads(path.read_text())
        self.assertEqual(node["kind"], "Node")
        self.assertEqual({c["type"] for c in node["status"]["conditions"]},
                         {"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"})

    def test_the_installation_stays_the_same(self):
        agent = self.agent()
        wait_for((agent.run_directory / "lease.json").exists, 5, "the lease")
        before = self.lease(agent)["spec"]["holderIdentity"]
        agent.process.terminate()
        agent.process.wait(5)
        (agent.run_directory / "lease.json").unlink()
        agent.start()
        agent.wait_until_ready()
        wait_for((agent.run_directory / "lease.json").exists, 5, "the lease")
        self.assertEqual(self.lease(agent)["spec"]["holderIdentity"], before)


class ClusterTest(HeartbeatTest):
    def test_a_node_is_registered_and_kept_alive(self):
        agent = self.as_node("nodeLabels: {example.com/rack: r1}\nnodeStatusReportFrequency: 5m\n")
        wait_for(lambda: self.node() and self.lease(), 15, f"Node and lease\n{agent.output()[-3000:]}")
        node = self.node()
        self.assertEqual(node["metadata"]["labels"]["example.com/rack"], "r1")
        self.assertEqual(node["status"]["capacity"]["pods"], "0")
        self.assertIn("NoExecute", [taint["effect"] for taint in node["spec"]["taints"]])
        self.assertEqual(node["status"]["conditions"][-1]["type"], "Ready")
        lease = self.lease()
        self.assertEqual(lease["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"])
        renewed = lease["spec"]["renewTime"]
        wait_for(lambda: self.lease()["spec"]["renewTime"] != renewed, 15, "a renewal")
        self.assertNothingWasRefused()
        self.assertEqual(agent.json("/status")["lease"]["role"], "node")

    def test_at_rest_for_a_minute_there_are_leases_only(self):
        self.as_node()
        wait_for(lambda: self.node() and self.lease(), 15, "Node and lease")
        # What start-up still brings: a first reading of everything, and its report.
        time.sleep(15)
        count = len(self.server.requests)
        time.sleep(60)
        asked = [(record.target.verb, record.target.what) for record in self.server.requests[count:]]
        self.assertTrue(all(what == ("update", "leases") for what in asked), asked)
        self.assertTrue(5 <= len(asked) <= 7, asked)

    def test_a_token_does_as_well(self):
        self.server.tokens["node-token"] = User(f"system:node:{NODE}", ("system:nodes", "system:authenticated"))
        kubeconfig = self.server.kubeconfig(self.directory / "kubeconfig", token="node-token")
        agent = self.agent(f"hostnameOverride: {NODE}\ncluster: {{role: node}}\nkubeconfig: {kubeconfig}\n")
        wait_for(lambda: self.node() and self.lease(), 15, f"Node and lease\n{agent.output()[-3000:]}")
        self.assertNothingWasRefused()

    def test_a_server_that_is_down_at_the_start(self):
        kubeconfig = self.kubeconfig()
        self.server.stop()
        agent = self.agent(f"hostnameOverride: {NODE}\ncluster: {{role: node}}\nkubeconfig: {kubeconfig}\n")
        wait_for(lambda: "refused" in self.problem(agent).lower(), 15, "a problem that says so")
        self.assertEqual(agent.get("/readyz").status, 200)
        self.server.start()
        wait_for(lambda: self.node() and self.lease(), 30, f"Node and lease\n{agent.output()[-3000:]}")
        wait_for(lambda: self.problem(agent) == "None None None", 20, "no problem any more")

    def test_answers_of_every_bad_kind(self):
        agent = self.as_node()
        wait_for(lambda: self.node() and self.lease(), 15, "Node and lease")
        faults = self.server.faults
        for name, fault in (
                ("401", faults.unauthorized), ("429", faults.too_many), ("500", faults.internal_error),
                ("html", faults.html), ("garbage", faults.garbage), ("cut", faults.cut_body)):
            fault()
            wait_for(lambda: self.problem(agent) != "None None None", 30, f"{name}: a problem\n{agent.output()[-2000:]}")
            self.assertEqual(agent.get("/livez").status, 200, name)
            faults.clear()
            renewed = self.lease()["spec"]["renewTime"]
            wait_for(lambda: self.lease()["spec"]["renewTime"] != renewed, 90, f"{name}: a renewal afterwards")

    def test_a_lease_that_is_deleted_is_made_again(self):
        self.as_node()
        wait_for(lambda: self.node() and self.lease(), 15, "Node and lease")
        self.server.delete("leases", NODE, "kube-node-lease")
        wait_for(self.lease, 30, "the lease again")

    def test_a_node_that_is_deleted_is_registered_again(self):
        self.as_node()
        wait_for(lambda: self.node() and self.lease(), 15, "Node and lease")
        uid = self.node()["metadata"]["uid"]
        self.server.delete("nodes", NODE)
        wait_for(lambda: (self.node() or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid, 60, "another Node")
        wait_for(lambda: (self.lease() or {"metadata": {}})["metadata"].get("ownerReferences", [{}])[0].get("uid")
                 == self.node()["metadata"]["uid"], 60, "a lease of the new Node")

    def test_a_kubelets_node_is_left_alone(self):
        kubelet = Kubelet(self.server, NODE)
        kubelet.register()
        kubelet.renew()
        before, lease = self.node(), self.lease()
        agent = self.as_node()
        wait_for(lambda: "kubelet" in self.problem(agent), 20, f"a refusal\n{agent.output()[-3000:]}")
        self.assertEqual(self.node(), before)
        self.assertEqual(self.lease(), lease)
        self.assertEqual(agent.metrics()["nodekeep_heartbeat_stopped"], 1)

    def test_a_kubelet_started_beside_it_is_not_kept_alive(self):
        agent = self.as_node()
        wait_for(lambda: self.node() and self.lease(), 15, "Node and lease")
        kubelet = Kubelet(self.server, NODE)
        kubelet.register()
        kubelet.renew()
        wait_for(lambda: agent.json("/status")["lease"].get("refusal"), 30, f"a refusal\n{agent.output()[-3000:]}")
        renewed = self.lease()["spec"]["renewTime"]
        count = len(self.server.requests)
        time.sleep(12)
        self.assertEqual(self.lease()["spec"]["renewTime"], renewed)
        self.assertEqual([r for r in self.server.requests[count:] if r.target.verb in ("update", "patch", "create")], [])

    def test_a_companion_writes_its_own_and_nothing_else(self):
        kubelet = Kubelet(self.server, NODE)
        kubelet.register()
        kubelet.renew()
        before, theirs = self.node(), self.lease()
        agent = self.as_companion()
        wait_for(lambda: self.lease("nodekeep", f"nodekeep-{NODE}"), 15, f"the lease\n{agent.output()[-3000:]}")
        wait_for(lambda: len(self.node()["status"]["conditions"]) > len(before["status"]["conditions"]), 15, "conditions")
        node = self.node()
        own = [c["type"] for c in node["status"]["conditions"] if c not in before["status"]["conditions"]]
        self.assertEqual(sorted(own), [f"nodekeep.dev/{name}" for name in ("DiskPressure", "MemoryPressure", "PIDPressure")])
        for field in ("addresses", "capacity", "nodeInfo"):
            self.assertEqual(node["status"][field], before["status"][field])
        self.assertEqual(node["metadata"]["labels"], before["metadata"]["labels"])
        self.assertEqual(self.lease(), theirs)
        self.assertNothingWasRefused()
