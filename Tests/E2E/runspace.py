# SPDX-License-Identifier: Apache-2.0
"""What one run of the tests owns: a directory, a cgroup with every process in it, and mounts in a namespace of its own.

It can be taken away as a whole, by the run itself or, when the run was killed, by the next one.
"""

import fcntl
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

import cgroups

PARENT = pathlib.Path("/var/lib")
PREFIX = "nodekeep-e2e-"


class Run:
    """The directory is at the same path inside the beds and outside, and mounts made below it are seen in both."""

    def __init__(self):
        self.name = PREFIX + secrets.token_hex(4)
        self.directory = PARENT / self.name
        self.directory.mkdir(mode=0o711)
        self.lock = lock(self.directory)
        cgroups.enter(f"{self.name}/bed")
        subprocess.run(["mount", "--bind", str(self.directory), str(self.directory)], check=True)
        subprocess.run(["mount", "--make-shared", str(self.directory)], check=True)
        temporary = self.directory / "tmp"
        temporary.mkdir(mode=0o711)
        tempfile.tempdir = str(temporary)

    @property
    def pods_cgroup(self):
        return f"{self.name}/pods"

    def close(self):
        cgroups.leave()
        take_away(self.name)


def lock(directory):
    """Held for as long as the owner lives; None when somebody holds it."""
    descriptor = os.open(directory / "owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def mounts(below):
    """The mount points at or below a directory in this mount namespace, the last mounted first."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if pathlib.Path(point).is_relative_to(below):
            found.append(point)
    return found[::-1]


def take_away(name):
    directory = PARENT / name
    cgroups.end(name)
    for point in mounts(directory):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)
    if mounts(directory):
        raise AssertionError(f"still mounted: {mounts(directory)}")
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        raise AssertionError(f"{directory} cannot be removed")


def sweep():
    """Takes away what runs have left that were killed."""
    for directory in PARENT.glob(PREFIX + "*"):
        try:
            descriptor = lock(directory)
        except FileNotFoundError:
            continue
        if descriptor is not None:
            print(f"taking away what a run has left: {directory.name}", flush=True)
            take_away(directory.name)
            os.close(descriptor)
