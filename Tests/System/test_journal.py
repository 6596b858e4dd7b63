# SPDX-License-Identifier: Apache-2.0
"""Records in a real journal: journald runs in a mount namespace of its own, with a /run of its own."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from support import NODEKEEP, free_port, wait_for

CATALOG = pathlib.Path(__file__).parents[2] / "packaging" / "nodekeep.catalog"
# The machine's own catalog stays as it is.
EXPLAIN = r"""
set -eu
database="$1" journal="$2"
shift 2
mount -t tmpfs tmpfs /var/lib/systemd
mkdir /var/lib/systemd/catalog
cp "$database" /var/lib/systemd/catalog/database
exec journalctl -D "$journal" -x --no-pager --no-hostname "$@"
"""

SCRIPT = r"""
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
"$1" >/run/journald.log 2>&1 &
while [ ! -S /run/systemd/journal/socket ]; do sleep 0.05; done
exec 2>/run/stderr
# As the service manager would set it for a service whose standard error is the journal.
JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$2" serve --run-dir /run/nodekeep --state-dir /run/state --local-port "$3"
"""


class JournalTest(unittest.TestCase):
    def test_records_are_native_with_fields_of_their_own(self):
        journald = "/lib/systemd/systemd-journald"
        self.assertTrue(os.path.exists(journald), "systemd-journald is not installed")
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private",
             "sh", "-c", SCRIPT, "sh", journald, str(NODEKEEP), str(free_port())])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def inside():
            children = open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()
            return children[0] if children else None

        pid = wait_for(inside, 5, "the namespace")

        def records(*match):
            result = subprocess.run(
                ["journalctl", "-D", f"/proc/{pid}/root/run/log/journal", "-o", "json", "--no-pager", *match],
                capture_output=True, text=True)
            return [json.loads(line) for line in result.stdout.splitlines()]

        ready = wait_for(lambda: records("NODEKEEP_CONDITION=Ready"), 10, "a record of the Ready condition")[0]
        self.assertEqual(ready["MESSAGE"], "Ready is True: nodekeep is posting ready status")
        self.assertEqual(ready["_TRANSPORT"], "journal")
        self.assertEqual(ready["PRIORITY"], "6")
        self.assertEqual(ready["SYSLOG_IDENTIFIER"], "nodekeep")
        self.assertEqual(ready["NODEKEEP_STATUS"], "True")
        self.assertEqual(ready["NODEKEEP_REASON"], "NodekeepReady")
        self.assertIn("CODE_FILE", ready)
        self.assertEqual(ready["NODEKEEP_EVENT"], "node-ready")
        own = records("SYSLOG_IDENTIFIER=nodekeep")
        self.assertEqual([record for record in own if "MESSAGE_ID" not in record or "CODE_LINE" not in record], [])
        for event in ["agent-started", "listener-opened", "condition-changed", "agent-ready"]:
            self.assertTrue(wait_for(lambda: records(f"NODEKEEP_EVENT={event}"), 10, event))
        self.check_explanations(f"/proc/{pid}/root/run/log/journal", records("SYSLOG_IDENTIFIER=nodekeep"))
        # A condition whose source has not answered yet comes a second later.
        conditions = {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}
        wait_for(lambda: {record.get("NODEKEEP_CONDITION") for record in records()} >= conditions, 5, "the conditions")
        with open(f"/proc/{pid}/root/run/stderr") as stderr:
            self.assertEqual(stderr.read(), "")

    def check_explanations(self, journal, records):
        """journalctl -x has one for every record, with nothing left out."""
        with tempfile.TemporaryDirectory() as root:
            for place in ["usr/lib/systemd/catalog", "var/lib/systemd/catalog"]:
                (pathlib.Path(root) / place).mkdir(parents=True)
            (pathlib.Path(root) / "usr/lib/systemd/catalog/nodekeep.catalog").write_bytes(CATALOG.read_bytes())
            subprocess.run(["journalctl", "--update-catalog", f"--root={root}"], check=True, capture_output=True)
            done = subprocess.run(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", EXPLAIN, "sh",
                 f"{root}/var/lib/systemd/catalog/database", journal, "SYSLOG_IDENTIFIER=nodekeep"],
                capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("The node's condition MemoryPressure is False", done.stdout)
        self.assertGreaterEqual(done.stdout.count("Defined-By: nodekeep"), len(records))
        self.assertNotRegex(done.stdout, "@[A-Z0-9_]+@")
