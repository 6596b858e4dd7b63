# SPDX-License-Identifier: Apache-2.0
"""What is known of a checkpoint afterwards: in its record, in the journal, in the metrics."""

import json
import os
import pathlib
import subprocess

import images
from node import NodeTest
from support import wait_for
from workloads import UNDUMPABLE, filling

JOURNALD = "/lib/systemd/systemd-journald"
# A journal that only this test's agent writes to. The mounts go with journald.
JOURNAL = r"""
set -eu
for directory in /run/systemd/journal /run/log/journal; do mkdir -p "$directory"; mount -t tmpfs tmpfs "$directory"; done
exec "$1" 2>&1
"""
# As the service manager would set it for a service whose standard error is the journal.
INSIDE = r"""exec 2>/run/log/journal/stderr; JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@" """


class AccountedTest(NodeTest):
    def journal(self):
        """The process whose mounts hold a journal."""
        self.assertTrue(os.path.exists(JOURNALD), "systemd-journald is not installed")
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", JOURNAL, "sh", JOURNALD],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(lambda: pathlib.Path(f"/proc/{process.pid}/root/run/systemd/journal/socket").exists(), 10, "a journal")
        return process.pid

    def records(self, journal, *match):
        done = subprocess.run(
            ["journalctl", "-D", f"/proc/{journal}/root/run/log/journal", "-o", "json", "--no-pager", *match],
            capture_output=True, text=True, timeout=20)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_one_that_succeeds_and_one_that_criu_refuses(self):
        journal = self.journal()
        node = self.node(prefix=["nsenter", f"--mount=/proc/{journal}/ns/mnt", "--", "sh", "-c", INSIDE, "sh"])
        good, ghost = self.pod().container(command=filling(20)), self.pod().container(command=UNDUMPABLE)

        answer = node.post(good.path)
        self.assertStatus(answer, 200)
        record = node.record(answer.job)
        asked = record["request"]
        self.assertEqual(asked["requester"]["user"], "root")
        self.assertEqual(asked["requester"]["authenticatedBy"], "peer")
        self.assertIn("pid", asked["requester"]["from"])
        self.assertEqual(asked["container"]["image"], images.WORKLOAD)
        field = {"user": "root", "authenticated_by": "peer", "from": asked["requester"]["from"],
                 "namespace": good.pod.namespace, "pod": good.pod.name, "container": "count", "http_status": "200",
                 "outcome": "published", "archive": record["archive"], "sha256": record["sha256"],
                 "size": str(record["size"])}
        (audit,) = wait_for(lambda: self.records(journal, f"NODEKEEP_JOB={answer.job}", "NODEKEEP_AUDIT=checkpoint"), 10,
                            f"a record of {answer.job}: {self.records(journal)[-5:]}")
        for name, value in field.items():
            self.assertEqual(audit[f"NODEKEEP_{name.upper()}"], value, audit)
        about = self.records(journal, f"NODEKEEP_JOB={answer.job}")
        kinds = {record["NODEKEEP_EVENT"]: record for record in about}
        self.assertLessEqual({"checkpoint-accepted", "checkpoint-published", "checkpoint-answered"}, set(kinds), about)
        self.assertEqual(len({record["MESSAGE_ID"] for record in about}), len(kinds))
        for entry in about:
            self.assertEqual(
                [entry.get(f"NODEKEEP_{name}") for name in ("NAMESPACE", "POD", "CONTAINER")],
                [good.pod.namespace, good.pod.name, "count"], entry)
        for name in ["archive", "sha256", "user"]:
            self.assertEqual(kinds["checkpoint-published"][f"NODEKEEP_{name.upper()}"], field[name])

        refused = node.post(ghost.path)
        self.assertFailure(refused, ghost, 500)
        failed = node.record(refused.job)
        self.assertTrue(wait_for(
            lambda: self.records(journal, f"NODEKEEP_JOB={refused.job}", "NODEKEEP_EVENT=checkpoint-failed"), 10,
            "a record of the one that failed"))
        self.assertNotEqual(failed["outcome"], "published")
        log = "\n".join(failed["log"])
        self.assertRegex(log, "Error")
        self.assertRegex(log, "ghost")
        ghost.counts_on()

        metrics = node.metrics()
        self.assertEqual(metrics['nodekeep_checkpoint_attempts_total{outcome="published"}'], 1)
        # More than one where CRIU gave up first.
        self.assertEqual(metrics[f'nodekeep_checkpoint_attempts_total{{outcome="{failed["outcome"]}"}}'],
                         sum(one["outcome"] == failed["outcome"] for one in node.records().values()))
        self.assertEqual(metrics["nodekeep_checkpoint_published_bytes_total"], record["size"])
        for phase in ["dump", "frozen", "verify", "publish"]:
            # Milliseconds in the record.
            self.assertAlmostEqual(
                metrics[f'nodekeep_checkpoint_phase_seconds_total{{phase="{phase}"}}'], record["times"][phase] / 1000,
                delta=0.001)
        self.assertEqual(metrics["nodekeep_checkpoint_frozen_containers"], 0)
        node.check()
