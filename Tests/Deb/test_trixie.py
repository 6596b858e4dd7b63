# SPDX-License-Identifier: Apache-2.0
"""The package on Debian 13's libraries: installed there without a service manager, and started by hand."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import machine
import roots
from support import wait_for

TRIXIE = (
    "trixie", ("apt",),
    ("libmicrohttpd12t64", "libgnutls30t64", "libseccomp2", "libsystemd0", "libyaml-0-2", "zlib1g", "libstdc++6", "libgcc-s1"))

SCRIPT = r"""
set -eu
ip link set lo up
mount -t proc proc "$1/proc"
exec chroot "$1" /bin/sh -euc '
    apt-get install --yes --no-install-recommends /root/nodekeep.deb
    exec nodekeep serve'
"""


class TrixieTest(unittest.TestCase):
    def test_it_installs_and_serves(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="nodekeep-trixie-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(directory)], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(directory)], check=True)
        for part in ["upper", "work", "root"]:
            (directory / part).mkdir()
        root = directory / "root"
        subprocess.run(
            ["mount", "-t", "overlay", "-o",
             f"lowerdir={roots.tree(TRIXIE)},upperdir={directory}/upper,workdir={directory}/work", "overlay", str(root)],
            check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(root)], check=True)
        shutil.copy(machine.package(), root / "root/nodekeep.deb")
        log = directory / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private",
                 "sh", "-c", SCRIPT, "sh", str(root)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=machine.ENVIRONMENT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def page():
            self.assertIsNone(process.poll(), log.read_text(errors="replace"))
            inside = machine.children(process.pid)
            done = inside and subprocess.run(
                ["nsenter", f"--net=/proc/{inside[0]}/ns/net", "curl", "--silent", "--fail",
                 f"http://127.0.0.1:{machine.PORT}/status"], capture_output=True)
            return done.stdout if done and done.returncode == 0 else None
        self.assertIn(b"Debian GNU/Linux 13", wait_for(page, 60, "it serves"))
