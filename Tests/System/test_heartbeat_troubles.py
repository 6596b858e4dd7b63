# SPDX-License-Identifier: Apache-2.0
"""The heartbeat's bad days: what a server, the way to it, other people and full disks can do to it, each in turn."""

import datetime
import pathlib
import re
import subprocess
import time

from heartbeat_case import NO_PROBLEM, NODE, HeartbeatTest
from kubeapi import authenticated
from kubeapi.kubelet import Kubelet
from support import PRIVATE_MOUNTS, wait_for, within_mounts_of

# A renewal every second, and four seconds for a request.
QUICK = "nodeLeaseDurationSeconds: 4\n"
# The status loop asks for something as often.
TALKATIVE = "nodeStatusReportFrequency: 1s\n"
RENEWED = 'nodekeep_lease_renewals_total{result="ok"}'
NOT_RENEWED = 'nodekeep_lease_renewals_total{result="failed"}'
LEASE_RIGHT = [
    {"kind": "ClusterRole", "metadata": {"name": "lease"}, "rules": [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "lease"}, "roleRef": {"kind": "ClusterRole", "name": "lease"},
     "subjects": [{"kind": "User", "name": f"nodekeep:{NODE}"}]}]


def calls(agent, result, loop="lease"):
    """How often a loop's call ended so."""
    return agent.metrics().get(f'nodekeep_heartbeat_requests_total{{loop="{loop}",result="{result}"}}', 0)


def complaints(agent, about="lease", since=0):
    """What the log says about a loop of the heartbeat's, line by line, without time, level and fields, from there on."""
    return re.findall(rf"heartbeat: ({about}:? .*?)(?: event=.*)?$", agent.output()[since:], re.M)


class TroubleTest(HeartbeatTest):
    def assertIsServing(self, agent):
        """The agent's own health is not its API server's, and nobody waits for the latter."""
        for path in ("/livez", "/readyz", "/status", "/metrics"):
            started = time.monotonic()
            self.assertEqual(agent.get(path).status, 200, path)
            self.assertLess(time.monotonic() - started, 2.5, path)

    def keeps_being_silent(self, agent, seconds=5):
        """Nothing is written for so long, which would be time for several renewals."""
        wait_for(lambda: agent.metrics()["nodekeep_heartbeat_stopped"] == 1, 10, "stopped")
        count = len(self.server.requests)
        time.sleep(seconds)
        self.assertEqual(self.writes(count), [])
        self.assertIsServing(agent)


class AnswerTest(TroubleTest):
    """What a server answers."""

    def test_leases_may_not_be_written(self):
        # Two agents beside each other, as this takes its time: as a node's agent with a role of its own, and as a
        # companion whose namespace's roles were forgotten.
        rights = self.companion_rights("node-b")
        is_forgotten = [item["kind"] in ("Role", "RoleBinding") and item["metadata"]["namespace"] == "nodekeep"
                        for item in rights]
        self.assertEqual(sum(is_forgotten), 4)
        forgotten = [item for item, is_one in zip(rights, is_forgotten) if is_one]
        Kubelet(self.server, "node-b").register()
        companion = self.as_companion(QUICK, "node-b", [item for item in rights if item not in forgotten])
        may_nodes = [
            {"kind": "ClusterRole", "metadata": {"name": "nodes"}, "rules": [
                {"apiGroups": [""], "resources": ["nodes", "nodes/status", "events"],
                 "verbs": ["get", "create", "patch"]}]},
            LEASE_RIGHT[1] | {"metadata": {"name": "nodes"}, "roleRef": {"kind": "ClusterRole", "name": "nodes"}}]
        self.server.tokens["weak-token"] = authenticated(f"nodekeep:{NODE}", [])
        self.server.apply(may_nodes)
        agent = self.with_role("node", self.server.kubeconfig(self.directory / "weak", token="weak-token"), QUICK)
        agents = {f"nodekeep:{NODE}": agent, "nodekeep:node-b": companion}
        for user, one in agents.items():
            wait_for(lambda: "leases" in self.problem(one), 15, f"{user}: a problem")
            self.assertIn(f'User "{user}" cannot get resource "leases"', self.problem(one))
        first = {user: self.asked(user)[0].time for user in agents}
        while time.monotonic() < max(first.values()) + 20:
            for one in agents.values():
                self.assertIsServing(one)
            time.sleep(1)
        for user, one in agents.items():
            # Once a second, or by the short backoff, it would be eight and more.
            asked = [record.time for record in self.asked(user) if record.time <= first[user] + 20]
            self.assertTrue(2 <= len(asked) <= 5, asked)
            wait_for(lambda: calls(one, "forbidden") >= len(asked), 5, "each of them counted")
            self.assertEqual(one.metrics()[RENEWED], 0)
            self.assertEqual(len(complaints(one)), 1, complaints(one))
        self.server.apply(LEASE_RIGHT + forgotten)
        wait_for(lambda: self.lease() and self.lease("nodekeep", "nodekeep-node-b"), 40, "leases, now that they may")
        for one in agents.values():
            wait_for(lambda: self.problem(one) == NO_PROBLEM, 5, "no problem any more")

    def asked(self, user):
        return [record for record in self.server.requests_of(plural="leases") if record.user == user]

    def test_somebody_else_changes_the_lease(self):
        agent = self.as_node(QUICK)
        self.wait_until_alive(agent)

        def change(lease):
            lease["metadata"]["labels"] = {"example.com/team": "a"}
            lease["metadata"]["annotations"]["example.com/note"] = "kept"
            lease["spec"]["leaseTransitions"] = 3

        edited = self.server.edit("leases", NODE, change, "kube-node-lease")
        wait_for(lambda: self.renewed() != edited["spec"]["renewTime"], 5, "a renewal of the edited lease")
        self.wait_for_renewal(5, "another one")
        lease = self.lease()
        self.assertEqual(lease["metadata"]["labels"], {"example.com/team": "a"})
        self.assertEqual(lease["metadata"]["annotations"]["example.com/note"], "kept")
        self.assertEqual(lease["spec"]["leaseTransitions"], 3)
        self.assertEqual(lease["metadata"]["uid"], edited["metadata"]["uid"])
        # One conflict, one look, and the renewal: nobody has to hear of it.
        self.assertEqual(calls(agent, "conflict"), 1)
        self.assertEqual(len(self.server.refused(409)), 1)
        self.assertEqual(self.problem(agent), NO_PROBLEM)
        self.assertNothingWasRefused()

    def test_an_update_is_gone_and_another_one_invalid(self):
        agent = self.as_node(QUICK)
        self.wait_until_alive(agent)
        uid = self.lease()["metadata"]["uid"]
        for code, reason, result in ((410, "Expired", "gone"), (422, "Invalid", "invalid")):
            self.server.faults.status(code, reason, f"a {code}", verb="update", plural="leases", times=1)
            wait_for(lambda: calls(agent, result) == 1, 5, f"the {code}")
            renewals = agent.metrics()[RENEWED]
            wait_for(lambda: agent.metrics()[RENEWED] > renewals, 10, f"{code}: a renewal afterwards")
            wait_for(lambda: self.problem(agent) == NO_PROBLEM, 10, f"{code}: no problem any more")
        self.assertEqual(agent.metrics()[NOT_RENEWED], 2)
        self.assertEqual(self.lease()["metadata"]["uid"], uid)
        self.assertNothingWasRefused()

    def test_the_server_says_when_to_come_back(self):
        agent = self.as_node(QUICK + TALKATIVE)
        self.wait_until_alive(agent)
        faults = {
            "leases": self.server.faults.too_many("5", plural="leases", times=1),
            "nodes": self.server.faults.unavailable("5", plural="nodes", times=1)}
        wait_for(lambda: all(fault.hits for fault in faults.values()), 5, "a 429 and a 503")
        wait_for(lambda: "429" in self.problem(agent) and "503" in self.problem(agent), 4, "both named")
        for plural, fault in faults.items():
            def since():
                times = [(record.time, record.fault) for record in self.server.requests_of(plural=plural)]
                return next(times[index:] for index, (_, found) in enumerate(times) if found is fault)

            (refused, _), (again, _) = wait_for(lambda: len(since()) > 1 and since()[:2], 15, f"{plural} again")
            # Up to as much again, lest everybody come back at once; and what a busy machine takes.
            self.assertTrue(5 <= again - refused <= 11, f"{plural}: {again - refused}")
        self.assertEqual((calls(agent, "too_many_requests"), calls(agent, "server_error", "status")), (1, 1))
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 5, "no problem any more")

    def test_a_server_that_takes_three_seconds(self):
        agent = self.as_node("nodeLeaseDurationSeconds: 8\n")
        self.wait_until_alive(agent)
        fault = self.server.faults.slow(3, plural="leases")
        wait_for(lambda: fault.hits, 5, "a slow renewal")
        before = agent.metrics()
        deadline = time.monotonic() + 15
        while agent.metrics()[RENEWED] < before[RENEWED] + 2:
            self.assertIsServing(agent)
            self.assertLess(time.monotonic(), deadline, "two renewals")
            time.sleep(0.1)
        after = agent.metrics()
        self.assertEqual(after[NOT_RENEWED], before[NOT_RENEWED])
        self.assertEqual(self.problem(agent), NO_PROBLEM)

    def test_a_server_that_never_answers(self):
        agent = self.as_node(QUICK + TALKATIVE)
        self.wait_until_alive(agent)
        fault = self.server.faults.hang(plural="leases")
        wait_for(lambda: fault.hits, 5, "a renewal that hangs")
        reports = len(self.server.requests_of("patch", "nodes"))
        deadline = time.monotonic() + 8
        while not calls(agent, "timeout"):
            self.assertIsServing(agent)
            self.assertLess(time.monotonic(), deadline, "a timeout")
            time.sleep(0.1)
        self.assertIn("not over after 4", self.problem(agent))
        # One loop hangs, the other goes on.
        self.assertGreaterEqual(len(self.server.requests_of("patch", "nodes")) - reports, 2)
        self.server.faults.clear()
        self.server.faults.release()
        self.wait_for_renewal(10, "a renewal after all")
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 5, "no problem any more")


class WayTest(TroubleTest):
    """What happens on the way to a server."""

    def test_an_answer_is_cut_after_an_update(self):
        agent = self.as_node(QUICK)
        self.wait_until_alive(agent)
        before, made = self.lease(), len(self.server.requests_of("create"))
        fault = self.server.faults.cut_body(verb="update", plural="leases", times=1)
        wait_for(lambda: fault.hits, 5, "an update whose answer is cut")
        renewals = agent.metrics()[RENEWED]
        wait_for(lambda: agent.metrics()[RENEWED] >= renewals + 2, 10, "renewals afterwards")
        self.assertEqual(calls(agent, "connection_lost"), 1)
        # It was written, which is found out at the next try.
        self.assertEqual(calls(agent, "conflict"), 1)
        self.assertEqual(self.lease()["metadata"]["uid"], before["metadata"]["uid"])
        self.assertEqual(len(self.server.requests_of("create")), made)
        self.assertEqual(self.problem(agent), NO_PROBLEM)
        self.assertNothingWasRefused()

    def test_answers_are_cut_after_each_creation(self):
        faults = [self.server.faults.cut_body(verb="create", plural=plural, times=1)
                  for plural in ("nodes", "leases", "events")]
        agent = self.as_node(QUICK)
        self.wait_until_alive(agent)
        wait_for(lambda: all(fault.hits for fault in faults), 10, "every answer cut once")
        self.wait_for_renewal(5)
        for plural, fault in zip(("nodes", "leases"), faults):
            made = [record for record in self.server.requests_of("create", plural) if record.code == 201]
            self.assertEqual([record.fault for record in made], [fault], f"{plural} are made once")
        # Whatever was said twice counts once.
        starts = [event for event in self.server.store.list("events") if event["reason"] == "Starting"]
        self.assertEqual([event["count"] for event in starts], [1])
        owner = self.lease()["metadata"]["ownerReferences"]
        self.assertEqual([reference["uid"] for reference in owner], [self.node()["metadata"]["uid"]])
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 5, "no problem any more")
        self.assertNothingWasRefused()


class OutageTest(TroubleTest):
    """An outage of 45 s, for an agent that has the server's address and for one that has its name, which is gone as
    well: one time of waiting for both."""

    # On the server's certificate, and known to no name server here.
    HOST = "kubernetes.default.svc"
    DOWN = 45

    def setUp(self):
        super().setUp()
        self.hosts, self.resolver = self.directory / "hosts", self.directory / "resolv.conf"
        self.hosts.write_text(f"127.0.0.1 localhost {self.HOST}\n")
        # Nobody is there, and says so at once.
        self.resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")

    def by_name(self, **options):
        script = f'mount --bind {self.hosts} /etc/hosts && mount --bind {self.resolver} /etc/resolv.conf && exec "$@"'
        return self.with_role(
            "node", self.kubeconfig("node-b", host=self.HOST), QUICK, "node-b",
            prefix=[*PRIVATE_MOUNTS, "sh", "-c", script, "sh"], **options)

    def forget_the_name(self, agent):
        """In place: what is mounted is this very file."""
        self.hosts.write_text("127.0.0.1 localhost\n")
        looked_up = subprocess.run([*within_mounts_of(agent.agent_pid()), "getent", "hosts", self.HOST], check=False)
        self.assertEqual(looked_up.returncode, 2)

    def test_down_for_a_while_and_a_name_that_is_gone(self):
        agents = {NODE: self.as_node(QUICK), "node-b": self.by_name()}
        for name, agent in agents.items():
            self.wait_until_alive(agent, name)
        known_until = time.monotonic() + 60
        self.forget_the_name(agents["node-b"])
        before = {name: (self.lease(name=name), self.node(name)) for name in agents}
        logged = {name: len(agent.output()) for name, agent in agents.items()}
        self.server.stop()
        back = time.monotonic() + self.DOWN
        for name, agent in agents.items():
            wait_for(lambda: "refused" in self.problem(agent).lower(), 10, f"{name}: a problem that says so")
        while time.monotonic() < back:
            for agent in agents.values():
                self.assertIsServing(agent)
                self.assertIn("refused", self.problem(agent).lower())
            time.sleep(1)
        self.server.start()
        started = time.monotonic()
        for name, agent in agents.items():
            renewed = before[name][0]["spec"]["renewTime"]
            wait_for(lambda: self.renewed(name=name) != renewed, 15, f"{name}: a renewal")
            wait_for(lambda: self.problem(agent) == NO_PROBLEM, 5, f"{name}: no problem any more")
            self.assertEqual(self.lease(name=name)["metadata"]["uid"], before[name][0]["metadata"]["uid"])
            self.assertEqual(self.node(name)["metadata"]["uid"], before[name][1]["metadata"]["uid"])
        print(f"  both renewed {time.monotonic() - started:.1f} s after the server was back", flush=True)
        for name, agent in agents.items():
            said = complaints(agent, since=logged[name])
            # One each for what fails in another way, and the end: not one for each of the dozens of tries.
            self.assertEqual(len(said), len(set(said)), said)
            self.assertTrue(2 <= len(said) <= 5 and said[-1] == "lease works again", said)
            self.assertGreater(calls(agent, "connect"), 8)
        # By now the name is looked up again, in vain, and the address of before still holds.
        agent = agents["node-b"]
        time.sleep(max(0, known_until + 1 - time.monotonic()))
        self.wait_for_renewal(5, name="node-b")
        self.server.stop()
        wait_for(lambda: self.problem(agent) != NO_PROBLEM, 5, "no connection that would still be there")
        self.server.start()
        self.wait_for_renewal(15, "a renewal at the remembered address", name="node-b")
        self.assertEqual(calls(agent, "name_resolution"), 0)

    def test_a_name_that_nobody_knows_at_the_start(self):
        agent = self.by_name()
        self.wait_until_alive(agent, "node-b")
        agent.process.terminate()
        agent.process.wait(5)
        self.hosts.write_text("127.0.0.1 localhost\n")
        agent.start()
        agent.wait_until_ready()
        wait_for(lambda: f"no address for {self.HOST}" in self.problem(agent), 10, "the name in a problem")
        self.assertGreaterEqual(sum(calls(agent, "name_resolution", loop) for loop in ("lease", "status")), 1)
        self.assertIsServing(agent)
        self.hosts.write_text(f"127.0.0.1 {self.HOST}\n")
        self.wait_for_renewal(15, "a renewal, now that it is known", name="node-b")
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 10, "no problem any more")


class OwnerTest(TroubleTest):
    """Other people."""

    def test_the_lease_is_taken_over(self):
        agent = self.as_node(QUICK)
        self.wait_until_alive(agent)

        def take(lease):
            now = datetime.datetime.now(datetime.timezone.utc)
            lease["spec"] |= {"holderIdentity": "somebody", "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}

        taken = self.server.edit("leases", NODE, take, "kube-node-lease")
        refusal = wait_for(lambda: agent.json("/status")["lease"].get("refusal"), 5, "a refusal")
        self.assertIn('was taken over by "somebody"', refusal)
        self.assertIn(f"kubectl -n kube-node-lease delete lease {NODE}", refusal)
        self.keeps_being_silent(agent)
        self.assertEqual(self.lease(), taken)
        self.assertEqual(agent.output().count("was taken over by"), 1, agent.output())

    def test_a_node_that_an_administrator_made(self):
        made = self.server.create({"kind": "Node", "apiVersion": "v1", "metadata": {"name": NODE}})
        agent = self.as_node(QUICK)
        refusal = wait_for(lambda: agent.json("/status")["lease"].get("refusal"), 10, "a refusal")
        self.assertIn(f"the Node {NODE} was made by somebody else", refusal)
        self.keeps_being_silent(agent, 6)
        self.assertEqual(self.node(), made)
        self.assertIsNone(self.lease())
        # What it asks for helps: the administrator gives the Node to it.
        key, value = re.search(rf"kubectl annotate node {NODE} (\S+)=(\w+)\)", refusal).groups()
        self.server.edit("nodes", NODE, lambda node: node["metadata"].update(annotations={key: value}))
        agent.process.terminate()
        agent.process.wait(5)
        agent.start()
        agent.wait_until_ready()
        self.wait_until_alive(agent)
        # The lease does not wait for the status.
        status = wait_for(lambda: self.node()["status"], 10, "a status")
        self.assertEqual(status["capacity"]["pods"], "0")
        self.assertEqual(self.node()["metadata"]["uid"], made["metadata"]["uid"])
        self.assertNothingWasRefused()

    def test_a_kubelet_that_died_stays_dead(self):
        kubelet = Kubelet(self.server, NODE)
        kubelet.register()
        kubelet.renew()
        agent = self.as_companion(QUICK + TALKATIVE)
        own = {"namespace": "nodekeep", "name": f"nodekeep-{NODE}"}
        wait_for(lambda: self.lease(**own), 15, "the companion's lease")
        kubelet.renew()

        # The node controller's judgement, which only a kubelet may change.
        def give_up(node):
            for condition in node["status"]["conditions"]:
                condition |= {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped"}
            node["spec"]["taints"] = [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]

        theirs, dead = self.lease(), self.server.edit("nodes", NODE, give_up)
        kinds = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
        count, reports = len(self.server.requests), len(self.server.requests_of("patch", "nodes"))
        for _ in range(5):
            self.wait_for_renewal(5, "the companion's renewal", **own)
        wait_for(lambda: len(self.server.requests_of("patch", "nodes")) > reports, 15, "the companion's conditions")
        self.assertEqual(self.lease(), theirs)
        self.assertEqual([c for c in self.node()["status"]["conditions"] if c["type"] in kinds],
                         [c for c in dead["status"]["conditions"] if c["type"] in kinds])
        self.assertEqual(self.node()["spec"], dead["spec"])
        allowed = {f"update leases nodekeep/nodekeep-{NODE}", f"patch nodes/status {NODE}"}
        written = {re.sub(r" -> .*", "", line) for line in self.writes(count)}
        self.assertEqual({line for line in written if " events " not in f"{line} "}, allowed)
        self.assertNothingWasRefused()


class DiskTest(TroubleTest):
    """Role none, with its directories on a small file system in memory."""

    def setUp(self):
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        # $6 and $8 are the agent's directories (support.Agent). The node's own file system is that of its state, so
        # that the status has something to say when it is full.
        script = ('mkdir "$6" "$8" && mount -t tmpfs -o size=2m,mode=755 tmpfs "$6" && '
                  'mount -t tmpfs -o size=2m,mode=755 tmpfs "$8" && mount --bind "$8" "$0" && exec "$@"')
        self.alone = self.agent(
            QUICK + 'evictionHard: {nodefs.available: "30%"}\nevictionPressureTransitionPeriod: 1s\n',
            ["--root-dir", str(self.disk)], prefix=[*PRIVATE_MOUNTS, "sh", "-c", script, str(self.disk)])
        self.places = {name: self.inside(path) for name, path in (
            ("run", self.alone.run_directory), ("state", self.disk))}
        written = self.places["state"] / "node-status.json"
        wait_for(lambda: written.exists() and self.problem(self.alone) == NO_PROBLEM, 10,
                 f"lease and status\n{self.alone.output()[-3000:]}")
        # Just after a renewal, when no file is being replaced.
        renewals = self.alone.metrics()[RENEWED]
        wait_for(lambda: self.alone.metrics()[RENEWED] > renewals, 5, "a renewal")
        self.names_before, self.status_before = self.names(), self.status_file()

    def inside(self, path):
        return pathlib.Path(f"/proc/{self.alone.agent_pid()}/root{path}")

    def mount(self, *arguments):
        subprocess.run([*within_mounts_of(self.alone.agent_pid()), *arguments], check=True)

    def fill(self, place, share=1.0):
        """Takes this share of all there is; the whole of it by writing until no more can be."""
        with open(self.places[place] / "filler", "ab", buffering=0) as file:
            left = int(share * 512)
            try:
                while left > 0:
                    file.write(bytes(4096))
                    left -= 1
            except OSError:
                pass

    def status_file(self):
        return (self.places["state"] / "node-status.json").read_text()

    def names(self):
        return {name: sorted(path.name for path in place.iterdir()) for name, place in self.places.items()}

    def expect_trouble(self, words):
        """Both files cannot be written, and that is all."""
        agent = self.alone
        wait_for(lambda: agent.condition("DiskPressure")["status"] == "True", 10, "pressure")
        shown = wait_for(lambda: self.problem(agent).count(words) == 2 and agent.json("/status")["lease"], 10,
                         f"{words}: {self.problem(agent)}")
        self.assertIn("lease.json", shown["problem"])
        self.assertIn("node-status.json", shown["nodeStatus"]["problem"])
        self.assertGreaterEqual(calls(agent, "disk"), 1)
        self.assertGreaterEqual(calls(agent, "disk", "status"), 1)
        self.assertIsServing(agent)
        self.assertEqual(agent.get("/node").status, 200)

    def expect_end(self):
        agent = self.alone
        renewals = agent.metrics()[RENEWED]
        wait_for(lambda: agent.metrics()[RENEWED] > renewals, 10, "a renewal")
        wait_for(lambda: self.problem(agent) == NO_PROBLEM, 20, "no problem any more")
        wait_for(lambda: "has no disk pressure" in self.status_file(), 20, "the end of the pressure in the file")
        wait_for(lambda: self.names() == self.names_before, 10, "the same files as before")
        for about in ("lease", "node status"):
            said = complaints(agent, about)
            self.assertTrue(2 <= len(said) <= 3 and said[-1] == f"{about} works again", said)

    def test_no_room(self):
        # Twice: a file that was just being replaced has left room behind.
        for _ in range(2):
            self.fill("run")
            self.fill("state")
            time.sleep(0.1)
        self.expect_trouble("No space left on device")
        # What was there is still whole.
        self.assertEqual(self.status_file(), self.status_before)
        for place in self.places.values():
            (place / "filler").unlink()
        self.expect_end()

    def test_read_only(self):
        # The lock in the run directory is open, so the file systems themselves stay writable.
        directories = [str(self.alone.run_directory), str(self.alone.state_directory)]
        for directory in directories:
            self.mount("mount", "--bind", directory, directory)
            self.mount("mount", "-o", "remount,bind,ro", directory)
        self.fill("state", 0.8)
        self.expect_trouble("Read-only file system")
        self.assertEqual(self.status_file(), self.status_before)
        for directory in directories:
            self.mount("mount", "-o", "remount,bind,rw", directory)
        (self.places["state"] / "filler").unlink()
        self.expect_end()
