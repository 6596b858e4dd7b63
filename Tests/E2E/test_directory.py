# SPDX-License-Identifier: Apache-2.0
"""A checkpoints directory that is not root's alone is refused, clearly; what others have in a good one is theirs."""

import os
import pathlib
import tempfile

from node import NodeTest
from support import wait_for


class DirectoryTest(NodeTest):
    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.bed.run.directory))
        self.directory = self.home / "checkpoints"

    def assert_refused(self, *words):
        """It does not start, or it starts and takes no checkpoints; either way the log says why."""
        container = self.pod().container()
        node = self.node(self.directory, wait=False)
        ended = wait_for(
            lambda: "ended" if node.process.poll() is not None else node.socket.exists() and "up", 10, "a decision")
        if ended == "ended":
            self.assertGreater(node.process.returncode, 0)
        else:
            node.wait_until_ready()
            self.assertStatus(node.post(container.path), 500, 503)
        output = node.output()
        self.assertIn(str(self.directory), output)
        self.assertTrue(any(word in output for word in words), output)
        container.counts_on()
        return node

    def test_a_symbolic_link(self):
        real = self.home / "real"
        real.mkdir(mode=0o700)
        self.directory.symlink_to(real)
        self.assert_refused("symbolic link", "link")
        self.assertEqual(list(real.iterdir()), [])

    def test_somebody_elses(self):
        self.directory.mkdir(mode=0o700)
        os.chown(self.directory, 65534, 65534)
        self.assert_refused("belongs to")
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_open_to_others(self):
        for mode in [0o755, 0o750, 0o701]:
            with self.subTest(f"{mode:o}"):
                self.directory.mkdir(exist_ok=True)
                self.directory.chmod(mode)
                self.assert_refused(f"{mode:o}", "mode", "permission")
                self.assertEqual(list(self.directory.iterdir()), [])
                self.assertEqual(self.directory.stat().st_mode & 0o777, mode)

    def test_a_file(self):
        self.directory.write_text("mine")
        self.assert_refused("directory")
        self.assertEqual(self.directory.read_text(), "mine")

    def test_our_own_part_of_it_made_bad(self):
        self.directory.mkdir(mode=0o700)
        real = self.home / "real"
        real.mkdir(mode=0o700)
        (self.directory / ".nodekeep").symlink_to(real)
        self.assert_refused("link", "directory")
        self.assertEqual(list(real.iterdir()), [])

    def test_made_bad_while_running(self):
        node, container = self.node(self.directory), self.pod().container()
        self.assertStatus(node.post(container.path), 200)
        self.directory.rename(self.home / "moved")
        other = self.home / "other"
        other.mkdir(mode=0o755)
        self.directory.symlink_to(other)
        # The old one is open and goes on being used, or it is refused; the other one is never written to.
        self.assertStatus(node.post(container.path), 200, 500, 503)
        self.assertEqual(list(other.iterdir()), [])
        container.counts_on()

    def test_what_others_have_there_stays(self):
        self.directory.mkdir(mode=0o700)
        others = {
            "checkpoint-pod_default-count-2026-11-21T00:18:32Z.tar": b"a kubelet's", "notes.txt": b"mine",
            "checkpoint-half.tar": b"half"}
        for name, data in others.items():
            (self.directory / name).write_bytes(data)
        node, container = self.node(self.directory), self.pod().container()
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        node.kill()
        node.restart()
        self.assertEqual(node.recover().returncode, 0)
        for name, data in others.items():
            self.assertEqual((self.directory / name).read_bytes(), data)
            (self.directory / name).unlink()
        self.assertEqual(len(node.check()), 1)

    def test_it_is_made_where_it_is_missing(self):
        node = self.node(self.home / "a/b/checkpoints")
        container = self.pod().container()
        self.assertStatus(node.post(container.path), 200)
        self.assertEqual(node.checkpoints.stat().st_mode & 0o777, 0o700)
        node.check()
