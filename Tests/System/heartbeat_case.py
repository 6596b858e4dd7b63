# SPDX-License-Identifier: Apache-2.0
"""What the tests of the heartbeat share: an API server, and agents that speak to it."""

import pathlib
import shutil
import tempfile

import manifests
from kubeapi import KubeAPI, authenticated
from support import AgentTest, wait_for

NODE = "node-a"
NO_PROBLEM = "None None None"


class HeartbeatTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-heartbeat-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = KubeAPI(self.directory / "server")
        self.addCleanup(self.server.close)

    def kubeconfig(self, name=NODE, **options):
        return self.server.kubeconfig(
            self.directory / f"kubeconfig-{name}", *self.server.node_certificate(name), **options)

    def configuration(self, role, kubeconfig, extra="", name=NODE):
        return f"hostnameOverride: {name}\ncluster: {{role: {role}}}\nkubeconfig: {kubeconfig}\n{extra}"

    def node_configuration(self, extra=""):
        return self.configuration("node", self.kubeconfig(), extra)

    def with_role(self, role, kubeconfig, extra="", name=NODE, **options):
        return self.agent(self.configuration(role, kubeconfig, extra, name), **options)

    def as_node(self, extra="", name=NODE, **options):
        return self.with_role("node", self.kubeconfig(name), extra, name, **options)

    def as_companion(self, extra="", name=NODE, rights=None):
        """`rights`: what is applied for it; its manifests, unless something else is given."""
        self.server.make_namespace("nodekeep")
        self.server.apply(self.companion_rights(name) if rights is None else rights)
        token = f"companion-{name}"
        self.server.tokens[token] = authenticated(f"nodekeep:{name}", ["nodekeep:companions"])
        kubeconfig = self.server.kubeconfig(self.directory / f"kubeconfig-{token}", token=token)
        return self.with_role("companion", kubeconfig, extra, name)

    @staticmethod
    def companion_rights(name=NODE):
        return manifests.load("companion.yaml") + manifests.load("companion-node.yaml", name)

    def node(self, name=NODE):
        return self.server.get("nodes", name)

    def lease(self, namespace="kube-node-lease", name=NODE):
        return self.server.get("leases", name, namespace)

    def renewed(self, **where):
        return self.lease(**where)["spec"]["renewTime"]

    def wait_until_alive(self, agent, name=NODE):
        """Until Node and lease are there and the agent has nothing to complain about."""
        wait_for(lambda: self.node(name) and self.lease(name=name), 15, f"Node and lease\n{agent.output()[-3000:]}")
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 5, "no problem")

    def wait_for_renewal(self, seconds=15, what="a renewal", **where):
        before = self.renewed(**where)
        wait_for(lambda: self.renewed(**where) != before, seconds, what)

    def problem(self, agent):
        lease = agent.json("/status")["lease"]
        return " ".join(str(text) for text in (
            lease.get("problem"), lease.get("refusal"), lease["nodeStatus"].get("problem")))

    def writes(self, since=0):
        """Of the requests from this one on."""
        return [str(record) for record in self.server.requests[since:]
                if record.target.verb in ("create", "update", "patch", "delete")]

    def assertNothingWasRefused(self):
        refused = self.server.refused(400, 403, 415, 422)
        self.assertEqual([f"{r.target.verb} {r.target.what} {r.code}" for r in refused], [])
