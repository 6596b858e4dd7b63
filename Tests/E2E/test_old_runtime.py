# SPDX-License-Identifier: Apache-2.0
"""Debian 12's own containerd 1.6, which has no checkpoints."""

from node import NodeTest
from support import wait_for


class OldRuntimeTest(NodeTest):
    KIND = "old"

    def test_it_says_so_before_and_when_asked(self):
        node, container = self.node(), self.pod().container()
        support = wait_for(
            lambda: (said := node.status()["runtime"]["checkpoint"])["supported"] is not None and said, 10,
            "what the runtime can do in the status")
        self.assertIs(support["supported"], False)
        self.assertIn("CheckpointContainer", support["reason"])
        self.assertEqual(container.task_status(), "RUNNING")
        answer = node.post(container.path)
        self.assertFailure(answer, container, 500)
        # What clients of the kubelet look for.
        self.assertIn(
            "(rpc error: code = Unimplemented desc = method CheckpointContainer not implemented)", answer.body)
        container.counts_on()
        done = node.cli("create", container.path)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("code = Unimplemented", done.stderr)
        self.assertEqual(node.check(), {})
        node.wait_until_idle()
