# SPDX-License-Identifier: Apache-2.0
"""What a cluster hears of checkpoints: events about the Node, one for each that somebody waited for."""

import pathlib
import shutil
import tempfile

from kubeapi import KubeAPI
from node import NodeTest
from support import wait_for
from workloads import UNDUMPABLE, filling

NODE = "node-a"


class EventTest(NodeTest):
    def test_taken_refused_and_failed(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-events-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        server = KubeAPI(directory / "server")
        self.addCleanup(server.close)
        kubeconfig = server.kubeconfig(directory / "kubeconfig", *server.node_certificate(NODE))
        node = self.node(config=f"hostnameOverride: {NODE}\ncluster: {{role: node}}\nkubeconfig: {kubeconfig}\n")
        registered = wait_for(lambda: server.get("nodes", NODE), 20, f"the Node\n{node.output()[-2000:]}")
        good, ghost = self.pod().container(command=filling(20)), self.pod().container(command=UNDUMPABLE)
        paused = self.pod().container()
        paused.pause()
        self.addCleanup(paused.thaw)

        def events():
            return {event["reason"]: event for event in server.store.list("events") if "Checkpoint" in event["reason"]}

        self.assertStatus(node.post(good.path), 200)
        taken = wait_for(lambda: events().get("CheckpointTaken"), 20, f"an event: {events()}")
        self.assertEqual(taken["type"], "Normal")
        self.assertIn(good.path, taken["message"])
        self.assertEqual(taken["involvedObject"]["uid"], registered["metadata"]["uid"])

        self.assertStatus(node.post(ghost.path), 500)
        failed = wait_for(
            lambda: (event := events().get("CheckpointFailed")) and ghost.path in event["message"] and event, 20,
            f"an event: {events()}")
        self.assertEqual(failed["type"], "Warning")

        self.assertStatus(node.post(paused.path), 409)
        refused = wait_for(lambda: events().get("CheckpointRefused"), 20, f"an event: {events()}")
        self.assertIn(paused.path, refused["message"])
        self.assertEqual(len(events()), 3)
        self.assertEqual([str(record) for record in server.refused(400, 403, 415, 422)], [])
