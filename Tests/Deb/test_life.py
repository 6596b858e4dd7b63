# SPDX-License-Identifier: Apache-2.0
"""Upgrade, downgrade, remove and purge: what goes on running and what is left."""

import pathlib
import tempfile

import machine
from deb_case import DebTest
from support import listening, wait_for

ARCHIVE = "/var/lib/kubelet/checkpoints/checkpoint-web-0_shop-app-2026-11-21T06:12:33.123456789Z.tar"
RECORD = "/var/lib/kubelet/checkpoints/.nodekeep/records/20261121t061233-00000001.json"

# After a purge archives with their records, and what an operator has put into the directory.
AFTER_PURGE = {
    "/etc/nodekeep",
    "/etc/nodekeep/client.key",
    "/var/lib/kubelet",
    "/var/lib/kubelet/checkpoints",
    "/var/lib/kubelet/checkpoints/.nodekeep",
    "/var/lib/kubelet/checkpoints/.nodekeep/records",
    ARCHIVE,
    RECORD,
}
# After a removal there is also what an operator may have changed, and what the service has made.
AFTER_REMOVE = AFTER_PURGE | {
    "/etc/nodekeep/nodekeep.yaml",
    "/etc/nodekeep/policy.yaml",
    "/etc/nodekeep/tokens",
    "/etc/nodekeep/.tokens.lock",
    "/etc/systemd/system/multi-user.target.wants/nodekeep.service",
    "/var/lib/nodekeep",
    "/var/lib/nodekeep/checkpoint-directory",
    "/var/lib/nodekeep/installation",
    "/var/lib/nodekeep/node-status.json",
    "/var/lib/systemd/deb-systemd-helper-enabled/nodekeep.service.dsh-also",
    "/var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/nodekeep.service",
}


class LifeTest(DebTest):
    INSTALLED = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.new = machine.package()
        cls.old = machine.repacked(cls.new, "0.0.1~before", directory.name)

    def version(self):
        return self.machine.output("dpkg-query", "--show", "--showformat=${Version}", "nodekeep")

    def test_from_the_first_installation_to_the_purge(self):
        before = self.machine.files()
        self.machine.install(self.old)
        self.machine.wait_until_serving()
        self.assertEqual(self.version(), "0.0.1~before")

        # An upgrade: another process, the same node.
        state = self.machine.path("/var/lib/nodekeep")
        wait_for(lambda: (state / "installation").exists() and (state / "node-status.json").exists(), 10, "the state")
        installation = (state / "installation").read_text()
        pid = self.machine.main_pid()
        self.machine.install(self.new)
        self.machine.wait_until_serving()
        self.assertNotEqual(self.machine.main_pid(), pid, "the new one runs")
        self.assertEqual((state / "installation").read_text(), installation)

        # Back again.
        pid = self.machine.main_pid()
        self.machine.install(self.old, "--allow-downgrades")
        self.machine.wait_until_serving()
        self.assertEqual(self.version(), "0.0.1~before")
        self.assertNotEqual(self.machine.main_pid(), pid)
        self.machine.install(self.new)
        self.machine.wait_until_serving()

        # With a configuration that the new one would not start with, the old one goes on.
        self.assertGoesOn("localPort: many\n", "localPort")
        # Nor with one that names a file with which it would not start.
        self.assertGoesOn("authentication: {x509: {clientCAFile: /nonexistent.crt}}\n", "/nonexistent.crt")

        # What others have left there.
        self.machine.write(ARCHIVE, "archive")
        self.machine.write(RECORD, "{}")
        self.machine.write("/etc/nodekeep/client.key", "key")
        self.machine.run("nodekeep", "token", "create", "--user", "a", "--file", "/etc/nodekeep/tokens")

        self.machine.run("apt-get", "remove", "--yes", "nodekeep")
        self.assertEqual(self.machine.service_processes(), [])
        self.assertEqual(self.machine.property("LoadState"), "not-found")
        self.assertEqual(self.ours(before), AFTER_REMOVE)

        self.machine.run("apt-get", "purge", "--yes", "nodekeep")
        self.assertEqual(self.ours(before), AFTER_PURGE)
        self.assertEqual(self.machine.path(ARCHIVE).read_text(), "archive")
        self.assertEqual(self.machine.output("systemctl", "--failed", "--plain", "--no-legend", check=False).strip(), "")

        # Once more, on top of what is left, and away with it: nothing of the package stays.
        self.machine.install(self.new)
        self.machine.wait_until_serving()
        self.machine.run("rm", ARCHIVE, RECORD, "/etc/nodekeep/client.key")
        self.machine.run("apt-get", "purge", "--yes", "nodekeep")
        self.assertEqual(self.ours(before), set())

    def assertGoesOn(self, configuration, problem):
        self.machine.write("/etc/nodekeep/nodekeep.yaml", configuration)
        pid = self.machine.main_pid()
        out = self.machine.install(self.new, "--reinstall")
        self.assertIn("the service is not restarted and goes on as it is", out)
        self.assertIn(problem, out)
        self.assertEqual(self.machine.main_pid(), pid)
        self.assertTrue(self.machine.is_serving())
        self.machine.write("/etc/nodekeep/nodekeep.yaml", "")

    def ours(self, before):
        """What is there that was not, but for the libraries that apt brought along."""
        added = self.machine.files() - before
        packaged = set(self.machine.output("sh", "-c", "cat /var/lib/dpkg/info/*.list").splitlines())
        usr = {path.replace("/lib/", "/usr/lib/", 1) for path in packaged if path.startswith("/lib/")}
        libraries = {path for path in added - packaged - usr
                     if path.startswith(("/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/", "/etc/ld.so"))}
        return {path for path in added - libraries if path not in packaged and path not in usr or "nodekeep" in path}


class BesideKubeletTest(DebTest):
    INSTALLED = False

    def test_what_is_the_kubelets_stays_as_it_is(self):
        """Its directories with their modes, its archives, its ports."""
        archive = "/var/lib/kubelet/checkpoints/checkpoint-db-0_shop-db-2026-11-20T06:12:33Z.tar"
        self.machine.run("install", "-d", "-m", "0710", "/var/lib/kubelet", "/var/lib/kubelet/pki")
        self.machine.run("install", "-d", "-m", "0700", "/var/lib/kubelet/checkpoints")
        self.machine.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n")
        self.machine.write(archive, "the kubelet's")
        self.machine.run("chmod", "0600", archive)
        tree = self.tree()
        self.machine.install(machine.package())
        self.machine.wait_until_serving()
        self.assertIsNone(self.machine.status()["checkpoints"].get("problem"))
        ports = {int(fields[1].rsplit(":", 1)[1], 16) for fields in listening(self.machine.leader)}
        self.assertEqual(ports & {10248, 10250, 10255}, set(), "the kubelet's ports are free")
        self.assertEqual({line for line in self.tree() if "/.nodekeep" not in line}, tree)
        # Not even an empty directory is taken away.
        self.machine.run("rm", archive)
        self.machine.run("apt-get", "purge", "--yes", "nodekeep")
        self.assertEqual(self.tree(), {line for line in tree if archive not in line})

    def tree(self):
        return set(self.machine.output("find", "/var/lib/kubelet", "-printf", "%p %m %u %g\n").splitlines())


class EssentialsTest(DebTest):
    def test_the_packages_own_test_passes(self):
        """debian/tests/essentials, as autopkgtest runs it."""
        script = (pathlib.Path(__file__).resolve().parents[2] / "packaging/debian/tests/essentials").read_text()
        self.machine.write("/root/essentials", script)
        self.machine.run("chmod", "+x", "/root/essentials")
        self.assertIn("essentials: good", self.machine.output("/root/essentials", timeout=120))
