# SPDX-License-Identifier: Apache-2.0
"""What a checkpoint archive must be to be called good."""

import hashlib
import json
import os
import pathlib
import re
import stat
import tarfile

NEEDED = {"config.dump", "spec.dump", "checkpoint/inventory.img"}
# checkpoint-<pod>_<namespace>-<container>-<UTC with nine fractional digits>.tar
NAME = re.compile(r"checkpoint-(.+)_(.+)-(.+)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z)\.tar")


class Archive:
    """Reads a published archive to its last byte; raises AssertionError where it is not whole or not as published."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        status = os.lstat(self.path)
        self.size = status.st_size
        assert stat.S_ISREG(status.st_mode), f"{path}: not a regular file"
        assert stat.S_IMODE(status.st_mode) == 0o600 and (status.st_uid, status.st_gid) == (0, 0), (path, status)
        assert NAME.fullmatch(self.path.name), f"{path}: not a name of ours"
        self.names = read_to_the_end(self.path)
        missing = NEEDED - set(self.names)
        assert not missing, f"{path}: without {missing}"
        self.sha256 = sha256(self.path)

    def text(self, name):
        with tarfile.open(self.path) as archive:
            return archive.extractfile(self.names[name]).read().decode()

    def container_id(self):
        return json.loads(self.text("config.dump"))["id"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_to_the_end(path):
    """The members by their plain names. Python's reader alone takes an archive without an end for a whole one."""
    size = os.path.getsize(path)
    assert size >= 1024 and size % 512 == 0, f"{path}: {size} bytes"
    with open(path, "rb") as file:
        file.seek(-1024, os.SEEK_END)
        assert not file.read().strip(b"\0"), f"{path}: no end of archive"
    names = {}
    with tarfile.open(path, "r:", errorlevel=2) as archive:
        for member in archive:
            names[member.name.removeprefix("./").rstrip("/")] = member
            if member.isreg():
                content, left = archive.extractfile(member), member.size
                while left:
                    part = content.read(min(left, 1 << 20))
                    assert part, f"{path}: {member.name} is cut short"
                    left -= len(part)
    return names
